"""The Refinement page: its data, form and chart."""
