"""The map on its canvas, and the images beside it."""
