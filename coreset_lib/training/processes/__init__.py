"""Several processes that train one run: ranks, their launch, what they exchange."""
