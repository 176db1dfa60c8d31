"""Tables, revisions and repositories."""
