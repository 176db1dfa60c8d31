"""The two hot loops, in Cython."""
