"""Feature extractors, a file per network; `coreset_lib.networks` lists them."""
