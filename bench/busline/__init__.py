"""A high-frequency bus line with every passenger, and the controls that the field compares."""
