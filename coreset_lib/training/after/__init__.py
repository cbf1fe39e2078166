"""Later steps of a finished run: gradients of pixels, features of a frozen network."""
