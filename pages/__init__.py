"""Pages of the dashboard: pick, load, draw, explain; no arithmetic."""
