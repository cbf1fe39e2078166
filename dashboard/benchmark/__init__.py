"""The Benchmark page: its form and chart."""
