"""See README.md of the room: questions of people and apps."""
