"""CSV files with everything needed to rebuild them."""
