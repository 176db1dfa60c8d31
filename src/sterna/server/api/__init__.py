"""The routes of /api/v1, one file per noun; no logic, only calls of the service."""
