"""Rules of the house, checked by reading the project itself."""
