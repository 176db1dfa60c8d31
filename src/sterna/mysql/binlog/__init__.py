"""Bytes to events, no I/O."""
