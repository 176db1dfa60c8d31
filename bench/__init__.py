"""Measurements beside the peers, one command each; results in bench/results."""
