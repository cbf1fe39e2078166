"""Two windows of epochs, dragged on the plot or moved by sliders."""
