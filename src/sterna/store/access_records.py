"""Who may ask for something, and what was asked for, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Role(StrEnum):
    """What somebody may do; each may also do what the ones before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def includes(self, other: Role) -> bool:
        """Whether whoever has this role may do what `other` may."""
        ranks = tuple(Role)
        return ranks.index(self) >= ranks.index(other)


@dataclass(frozen=True)
class User:
    """Somebody who can sign in."""

    name: str
    role: Role
    created_at: datetime
    signed_in_at: datetime | None
    sessions: int  # that have not ended


@dataclass(frozen=True)
class ApiToken:
    """A bearer token of a script. The secret itself is shown once and kept as a hash."""

    id: str  # at-…
    description: str
    role: Role
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None  # to the minute
    expired: bool


@dataclass(frozen=True)
class Identity:
    """Who sends a request.

    Attributes:
        name: of the user or the token; `local` for who has the server's own token file.
        kind: user | token | local.
        secret: what was shown to be this identity; it is looked up again to see it end.
        csrf_token: what a browser must repeat with every change; empty but for users.
        expires_at: when it ends at the latest.
    """

    name: str
    role: Role
    kind: str
    secret: str = field(default="", repr=False)
    csrf_token: str = field(default="", repr=False)
    expires_at: datetime | None = None


@dataclass(frozen=True)
class AuditEntry:
    """One request to change something: who, from where, what, and how it ended."""

    number: int
    at: datetime
    who: str
    kind: str  # user | token | local | nobody | sterna
    role: str
    address: str
    action: str  # name of the route
    object: str  # the ids in its path
    arguments: dict[str, Any]  # without secrets
    result: str  # under way | done | refused | failed
    code: str  # of the refusal or the failure
    sentence: str


@dataclass(frozen=True)
class AuditPage:
    """Some entries, newest first; `next_before` asks for those behind them."""

    items: tuple[AuditEntry, ...]
    next_before: int | None
