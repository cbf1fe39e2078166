"""The Runs page: its actions and curves."""
