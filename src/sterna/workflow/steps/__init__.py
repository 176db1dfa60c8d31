"""Idempotent steps, each beside its undo."""
