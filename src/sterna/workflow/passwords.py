"""Passwords of people: which are taken, and how they are kept and compared."""

from __future__ import annotations

import re
import secrets
import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from sterna.errors import Refused

CHARACTERS_MIN, CHARACTERS_MAX = 12, 256
NAME = re.compile(r"[a-z0-9._@-]{1,64}")

_hasher = PasswordHasher()
# Each comparison takes 64 MiB and a core: many at once must not take the machine.
_few = threading.BoundedSemaphore(2)


def name_of(given: str) -> str:
    """A user's name as it is kept: names are compared without case. Refused BadName."""
    name = given.strip().lower()
    if not NAME.fullmatch(name):
        raise Refused(
            "This cannot be the name of a user.",
            code="BadName",
            remedy="Use 1 to 64 letters, digits and any of . _ @ -",
        )
    return name


def refuse_weak(name: str, password: str) -> None:
    """Refused WeakPassword where it could be guessed."""
    is_long = CHARACTERS_MIN <= len(password) <= CHARACTERS_MAX
    if not is_long or name in password.lower() or len(set(password)) < 5:
        raise Refused(
            "This password is not taken.",
            code="WeakPassword",
            remedy=f"Use {CHARACTERS_MIN} to {CHARACTERS_MAX} characters, at least five different "
            "ones, without the name in them.",
        )


def hash_password(password: str) -> str:
    """An argon2id hash."""
    with _few:
        return _hasher.hash(password)


@cache
def _nobody() -> str:
    return hash_password(secrets.token_urlsafe())


def is_password(password: str, kept: str | None) -> bool:
    """Whether the hash is that of the password; with no hash it takes as long and is not."""
    compared = kept or _nobody()
    with _few:
        try:
            _hasher.verify(compared, password if len(password) <= CHARACTERS_MAX else "")
        except (VerificationError, InvalidHashError):
            return False
    return kept is not None
