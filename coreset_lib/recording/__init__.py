"""Recording training dynamics: knows logits and sample numbers, nothing of the training loop."""
