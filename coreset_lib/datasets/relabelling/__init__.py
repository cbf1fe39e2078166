"""Labels laid over those of a dataset: corrected ones, and wrong ones on purpose."""
