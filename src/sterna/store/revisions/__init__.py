"""Revisions: changes of the store's own schema, applied in order at start."""
