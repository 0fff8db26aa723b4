"""See README.md of the room: tables that came as files or feeds, and what is told of them."""
