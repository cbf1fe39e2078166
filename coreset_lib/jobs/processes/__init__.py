"""Detached processes on this machine."""
