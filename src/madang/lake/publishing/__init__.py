"""See README.md of the room: what of the lake is given to everybody, and what is checked before."""
