"""Where target clusters come from and run."""
