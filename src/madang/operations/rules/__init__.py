"""Rules: what people want to be told of, tested on the past before it counts."""
