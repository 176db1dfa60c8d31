"""Routes and schemas of /api/v1; no logic."""
