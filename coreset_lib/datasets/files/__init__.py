"""Single image files: decoded, described, looked at closely."""
