"""One image for a person to judge: its original through a window, or as the network sees it."""
