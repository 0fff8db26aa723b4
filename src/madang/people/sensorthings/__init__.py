"""OGC SensorThings API 1.1, part 1 (sensing), to read."""
