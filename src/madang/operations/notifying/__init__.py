"""Who is told of an incident, by which channel, and what became of it."""
