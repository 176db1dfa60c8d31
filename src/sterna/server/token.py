"""The server's bearer token: made once, kept in STERNA_HOME/token, readable by its owner only."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from sterna.errors import SternaError

TOKEN_BYTES = 32


def read_or_make_token(home: Path) -> str:
    """The token in `home`; made on the first call, the same ever after.

    Raises SternaError "TokenUnreadable" when the file is there and has nothing in it.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = home / "token"
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(file)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(token + "\n")
    return token


def _read(file: Path) -> str:
    token = file.read_text().strip()
    if not token:
        raise SternaError(
            f"The token file {file} is empty; the server did not start.",
            code="TokenUnreadable",
            remedy="Delete the file; the server makes a new one at its next start.",
        )
    return token
