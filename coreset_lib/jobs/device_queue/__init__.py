"""Runs that wait for a device, and what is known of devices."""
