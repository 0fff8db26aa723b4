"""See README.md of the room: questions of the whole lake by whoever runs it, on many machines, and the lake as others' table formats."""
