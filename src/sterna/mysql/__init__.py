"""The server's own vocabulary; knows nothing of migrations."""
