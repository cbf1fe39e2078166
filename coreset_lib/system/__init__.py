"""What differs between operating systems: processes, locks, cores."""
