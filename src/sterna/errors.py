"""The families of errors. Every error says what happened, what was touched, what to do next.

A `SternaError` carries `code` (stable, documented in docs/reference/errors.md), `message` (what
happened and what was touched) and `remedy` (what the operator does next).
"""

from __future__ import annotations


class SternaError(Exception):
    """Something Sterna understands went wrong.

    Args:
        message: what happened, and what was or was not touched; a whole sentence.
        code: stable CamelCase name for scripts; documented and tested.
        remedy: what to do next; a whole sentence, empty only for Transient.
    """

    code = "Failed"

    def __init__(self, message: str, *, code: str | None = None, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class Refused(SternaError):
    """Asked for something that must not be done now; nothing was changed. Has a remedy."""

    code = "Refused"

    def __init__(self, message: str, *, remedy: str, code: str | None = None) -> None:
        super().__init__(message, code=code, remedy=remedy)


class Transient(SternaError):
    """A cause that may go away by itself: retried, a bounded number of times."""

    code = "Transient"


class Ambiguous(SternaError):
    """The state of the world cannot be known: everything stops and a person decides."""

    code = "Ambiguous"


class Stopped(SternaError):
    """A sync task met something it must not guess about: it stops, the data stays as it is."""

    code = "Stopped"
