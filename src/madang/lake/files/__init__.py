"""See README.md of the room: files of others, one module a format. They are read in a process behind walls (`madang.cli.reading`)."""
