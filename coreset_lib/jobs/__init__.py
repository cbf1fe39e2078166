"""Starting, watching and stopping training runs in the background."""
