"""The HTTP side of Sterna: one JSON API under /api/v1, on loopback, behind a token."""
