"""MedMNIST-style .npz files, read without trusting a byte of them."""
