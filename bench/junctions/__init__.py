"""The parts of `madang bench signals` and `madang bench emergency`: maps, eyes, controllers, one run, its measures."""
