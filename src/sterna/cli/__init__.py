"""The command line: one file per noun, speaks HTTP to the server."""
