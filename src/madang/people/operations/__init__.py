"""The operations centre for people on duty, and the form by which anybody tells of something."""
