"""Pages about apps for who runs the city."""
