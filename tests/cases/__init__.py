"""Hazards: one folder each, with what makes them, what changes them and what is expected."""
