"""Several apps offer the same service: which serves where."""
