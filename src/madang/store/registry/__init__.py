"""Packages under The Update Framework (TUF 1.0.34): roles, what publishers sign, how a city downloads."""
