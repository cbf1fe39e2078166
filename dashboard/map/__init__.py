"""The Map page: its data, controls and components."""
