"""What people say of apps: only who has one, and it counts as much as they use it."""
