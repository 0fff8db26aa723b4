"""The twin's door: the city's shape as 3D Tiles."""
