"""See README.md of the room: data sets that are pulled from elsewhere, one module a way of asking."""
