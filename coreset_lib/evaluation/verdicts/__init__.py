"""The statistics of a comparison: figures per draw in, intervals and verdicts out. Pure."""
