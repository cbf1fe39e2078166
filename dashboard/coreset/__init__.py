"""The Coreset page: candidates side by side, quick check, composition."""
