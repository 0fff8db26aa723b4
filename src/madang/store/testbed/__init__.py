"""See README.md of the room: what an app does for people, measured before anybody installs it."""
