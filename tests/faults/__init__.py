"""What happens when things go wrong, on real servers."""
