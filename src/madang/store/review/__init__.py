"""What is handed in: automatic checks, then a person who decides and says why."""
