"""See README.md of the room: finding data sets, where they come from, who uses them, and what they promise."""
