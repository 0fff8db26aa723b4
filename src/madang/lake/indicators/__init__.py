"""See README.md of the room: figures by which cities compare themselves, computed from the data where that is possible."""
