"""See README.md of the room: what people print, and files they keep, as PDF."""
