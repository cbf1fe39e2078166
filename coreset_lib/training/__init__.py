"""Training the surrogate and recording its dynamics; imports with only torch, NumPy, pandas."""
