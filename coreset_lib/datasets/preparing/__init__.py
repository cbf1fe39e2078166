"""From image files to arrays: decoded once, split, kept, opened again."""
