"""The HTTP side of Sterna."""
