"""Madang: an open operating system for cities."""

__version__ = "0.1.0"
