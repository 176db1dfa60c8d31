"""Users, their sessions, the tokens of scripts, and the record of what was asked for.

No secret is kept: passwords as argon2 hashes, made elsewhere; sessions and tokens, which are long
and random, as SHA-256.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, insert, select

from sterna.errors import Refused
from sterna.store import tables
from sterna.store.access_records import ApiToken, AuditEntry, AuditPage, Role, User
from sterna.store.database import now
from sterna.store.repository import Database, found, to_record

AUDIT_ENTRIES_MAX = 200_000
SETUP = "setup"  # id of the one token that makes the first admin


def hash_of(secret: str) -> str:
    """How a long random secret is kept."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Access:
    """Reads and writes users, sessions, tokens and the audit log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # Users

    def has_users(self) -> bool:
        """Whether anybody can sign in."""
        return bool(self._database.rows(tables.users))

    def users(self) -> list[User]:
        """All users by name."""
        rows = self._database.rows(tables.users, order="name")
        return [self._user(row) for row in rows]

    def user(self, name: str) -> User:
        """One user; Refused NotFound."""
        return self._user(found(self._database.row(tables.users, name=name), "user", name))

    def password_hash(self, name: str) -> str | None:
        """The argon2 hash of a user; None when there is no such user."""
        row = self._database.row(tables.users, name=name)
        return row.password_hash if row is not None else None

    def add_user(self, name: str, role: Role, password_hash: str) -> User:
        """Keep a new user; the token for the first one ends. Refused UserExists."""
        if self._database.row(tables.users, name=name) is not None:
            raise Refused(
                f"There is a user {name} already.",
                code="UserExists",
                remedy=f"Choose another name, or change that one: sterna user set-role {name}.",
            )
        self._database.add(
            tables.users, name=name, role=role, password_hash=password_hash, created_at=now()
        )
        self.remove_token(SETUP)
        return self.user(name)

    def add_first_user(self, name: str, password_hash: str, secret: str) -> bool:
        """Make the first admin with the one-time token, which ends; False when it is not that."""
        tokens, users = tables.api_tokens, tables.users
        mine = (tokens.c.id == SETUP, tokens.c.secret_hash == hash_of(secret))
        with self._database.engine.begin() as connection:
            used = connection.execute(
                delete(tokens).where(
                    *mine, tokens.c.expires_at > now(), ~select(users.c.name).exists()
                )
            )
            if not used.rowcount:
                return False
            connection.execute(
                insert(users).values(
                    name=name, role=Role.ADMIN, password_hash=password_hash, created_at=now()
                )
            )
        return True

    def change_user(self, name: str, **values: Any) -> None:
        """Update fields of a user."""
        self._database.change(tables.users, {"name": name}, **values)

    def remove_user(self, name: str) -> None:
        """Forget a user, his sessions and the tokens he made."""
        self.end_sessions(name)
        self._database.remove(tables.api_tokens, created_by=name)
        self._database.remove(tables.users, name=name)

    def role_of(self, name: str) -> Role | None:
        """The role of a user; None when there is no such user."""
        row = self._database.row(tables.users, name=name)
        return Role(row.role) if row is not None else None

    def _user(self, row: Row[Any]) -> User:
        sessions = len(self._database.rows(tables.login_sessions, user_name=row.name))
        return to_record(User, row, role=Role(row.role), sessions=sessions)

    # Sessions

    def add_session(self, secret: str, name: str, address: str) -> None:
        """Keep a new session; those long over are dropped."""
        moment = now()
        self._database.add(
            tables.login_sessions,
            secret_hash=hash_of(secret),
            user_name=name,
            created_at=moment,
            seen_at=moment,
            address=address,
        )
        self.change_user(name, signed_in_at=moment)

    def session(self, secret: str) -> Row[Any] | None:
        """The row of a session, or None."""
        return self._database.row(tables.login_sessions, secret_hash=hash_of(secret))

    def touch_session(self, secret: str) -> None:
        """It was used just now."""
        where = {"secret_hash": hash_of(secret)}
        self._database.hasty.change(tables.login_sessions, where, seen_at=now())

    def end_session(self, secret: str) -> None:
        """Nobody is known by it any more."""
        self._database.remove(tables.login_sessions, secret_hash=hash_of(secret))

    def end_sessions(self, name: str, *, but: str = "") -> None:
        """End all sessions of a user, but the one with the secret `but`."""
        table = tables.login_sessions
        others = (table.c.user_name == name, table.c.secret_hash != hash_of(but))
        with self._database.engine.begin() as connection:
            connection.execute(delete(table).where(*others))

    def drop_old_sessions(self, *, idle: timedelta, lifetime: timedelta) -> None:
        """Forget what is over anyway."""
        table, moment = tables.login_sessions, now()
        is_over = (table.c.seen_at < moment - idle) | (table.c.created_at < moment - lifetime)
        with self._database.engine.begin() as connection:
            connection.execute(delete(table).where(is_over))

    # Tokens

    def add_token(self, token: ApiToken, secret: str) -> None:
        """Keep a new token, or the one-time one in place of the last."""
        self.remove_token(token.id)
        self._database.add(
            tables.api_tokens,
            id=token.id,
            description=token.description,
            role=token.role,
            secret_hash=hash_of(secret),
            created_by=token.created_by,
            created_at=token.created_at,
            expires_at=token.expires_at,
        )

    def tokens(self) -> list[ApiToken]:
        """All tokens of scripts, oldest first."""
        rows = self._database.rows(tables.api_tokens, order="created_at")
        return [_token(row) for row in rows if row.id != SETUP]

    def token(self, secret: str) -> ApiToken | None:
        """The token with this secret, or None."""
        row = self._database.row(tables.api_tokens, secret_hash=hash_of(secret))
        return None if row is None or row.id == SETUP else _token(row)

    def token_named(self, token_id: str) -> ApiToken:
        """One token; Refused NotFound."""
        row = None if token_id == SETUP else self._database.row(tables.api_tokens, id=token_id)
        return _token(found(row, "token", token_id))

    def touch_token(self, token_id: str) -> None:
        """It was used just now."""
        self._database.hasty.change(tables.api_tokens, {"id": token_id}, used_at=now())

    def remove_token(self, token_id: str) -> None:
        """Nobody is known by it any more."""
        self._database.remove(tables.api_tokens, id=token_id)

    # The audit log

    def begin_entry(self, entry: AuditEntry) -> int:
        """Keep what is asked for before it is done; its number. The oldest entries go."""
        table = tables.audit
        values = {f: getattr(entry, f) for f in entry.__dataclass_fields__ if f != "number"}
        with self._database.engine.begin() as connection:
            kept = connection.execute(insert(table).values(**values))
            (number,) = kept.inserted_primary_key or (0,)
            connection.execute(delete(table).where(table.c.number <= number - AUDIT_ENTRIES_MAX))
        return int(number)

    def end_entry(self, number: int, **values: str) -> None:
        """Keep how it ended."""
        self._database.change(tables.audit, {"number": number}, **values)

    def entries(self, *, before: int | None, limit: int, **where: str) -> AuditPage:
        """Entries whose fields are as given, newest first; only those below number `before`."""
        table = tables.audit
        wanted = select(table).filter_by(**where).order_by(table.c.number.desc())
        if before is not None:
            wanted = wanted.where(table.c.number < before)
        with self._database.engine.connect() as connection:
            rows = list(connection.execute(wanted.limit(limit + 1)))
        items = tuple(to_record(AuditEntry, row) for row in rows[:limit])
        return AuditPage(items, items[-1].number if len(rows) > limit else None)


def _token(row: Row[Any]) -> ApiToken:
    expires_at: datetime | None = row.expires_at
    expired = expires_at is not None and expires_at <= now()
    return to_record(ApiToken, row, role=Role(row.role), expired=expired)
