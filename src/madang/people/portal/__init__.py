"""The city's open data: pages for people, and the interfaces that other catalogues and tools speak."""
