"""Steps from one schema of the review database to the next."""
