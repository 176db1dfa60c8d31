"""Binary log events: bytes to frozen values and back, no I/O.

Start at `parse.py`. What is not on the allow-list in `types.py` raises `BadEvent`.
"""
