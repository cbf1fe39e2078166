"""The Review page: its data, panels and the reader."""
