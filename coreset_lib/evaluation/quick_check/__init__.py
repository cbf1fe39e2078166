"""The quick check: small networks trained on a coreset and on random ones of its size."""
