"""Fresh networks trained on coresets: alone, stacked, or two that teach each other."""
