"""Moves the data: snapshot, copy, follow, verify."""
