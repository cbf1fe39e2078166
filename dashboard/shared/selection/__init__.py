"""The samples that a person has picked, shared by all pages."""
