"""One file and one class per check."""
