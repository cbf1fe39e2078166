"""Where images come from: one module per kind of source, listed in one registry."""
