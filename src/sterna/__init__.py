"""Sterna: one-click MySQL upgrade."""
