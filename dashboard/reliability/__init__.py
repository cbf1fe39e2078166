"""The Reliability page: its charts."""
