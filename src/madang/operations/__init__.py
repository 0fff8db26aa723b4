"""What people on duty make of it."""
