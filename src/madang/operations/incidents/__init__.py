"""Incidents: what happened, who has it, by when, and what was done."""
