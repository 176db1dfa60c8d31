"""Who may ask: users with their sessions, and the tokens of scripts."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import Any

from sterna.errors import Refused
from sterna.store.access import SETUP, Access
from sterna.store.access_records import ApiToken, Identity, Role, User
from sterna.store.database import now
from sterna.store.repository import new_id
from sterna.workflow.passwords import hash_password, is_password, name_of, refuse_weak
from sterna.workflow.throttle import Throttle

SESSION_IDLE = timedelta(hours=1)
SESSION_LIFETIME = timedelta(hours=12)
SETUP_LIFETIME = timedelta(hours=24)
TOUCH_EVERY = timedelta(minutes=1)
SECRET_BYTES = 32
TOKEN_START = "sterna_"


class People:
    """Every method either answers with a record or raises Refused before anything was changed."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._throttle = Throttle()

    # The first admin

    def needs_setup(self) -> bool:
        """Whether nobody can sign in yet."""
        return not self._access.has_users()

    def offer_setup(self) -> str | None:
        """A new one-time token for the first admin, for a day; None once there are users."""
        if not self.needs_setup():
            return None
        secret = secrets.token_urlsafe(SECRET_BYTES)
        token = ApiToken(
            id=SETUP,
            description="the first admin",
            role=Role.ADMIN,
            created_by="",
            created_at=now(),
            expires_at=now() + SETUP_LIFETIME,
            used_at=None,
            expired=False,
        )
        self._access.add_token(token, secret)
        return secret

    def set_up(self, secret: str, name: str, password: str, address: str) -> Identity:
        """Make the first admin and sign him in. Refused SetupDone, SetupTokenWrong."""
        if not self.needs_setup():
            raise Refused(
                "There are users already; the one-time token has ended.",
                code="SetupDone",
                remedy="Sign in, or on the server's machine: sterna user add NAME --role admin.",
            )
        name = name_of(name)
        refuse_weak(name, password)
        self._throttle.attempt("", address)
        if not self._access.add_first_user(name, hash_password(password), secret):
            raise Refused(
                "The one-time token is not the one the server printed, or has ended.",
                code="SetupTokenWrong",
                remedy="Start the server anew for a new one, or on its machine: "
                "sterna user add NAME --role admin.",
            )
        self._throttle.succeed("", address)
        return self._open_session(name, address)

    # Sessions

    def sign_in(self, given: str, password: str, address: str) -> Identity:
        """A new session. Refused WrongLogin, TooManyAttempts; both after the same time."""
        name = given.strip().lower()[:64]
        self._throttle.attempt(name, address)
        if not is_password(password, self._access.password_hash(name)):
            raise Refused(
                "The name or the password is wrong.",
                code="WrongLogin",
                remedy="Try again. A new password is set on the server's machine with: "
                "sterna user set-password NAME.",
            )
        self._throttle.succeed(name, address)
        return self._open_session(name, address)

    def sign_out(self, who: Identity) -> None:
        """End a session."""
        self._access.end_session(who.secret)

    def of_session(self, secret: str, *, is_use: bool = True) -> Identity | None:
        """Whose session it is; None when it is over. `is_use` puts off its end by idleness."""
        row = self._access.session(secret)
        if row is None:
            return None
        moment, role = now(), self._access.role_of(row.user_name)
        expires_at = row.created_at + SESSION_LIFETIME
        if role is None or moment >= expires_at or moment >= row.seen_at + SESSION_IDLE:
            self._access.end_session(secret)
            return None
        if is_use and moment - row.seen_at > TOUCH_EVERY:
            self._access.touch_session(secret)
        return Identity(row.user_name, role, "user", secret, _csrf_token(secret), expires_at)

    def _open_session(self, name: str, address: str) -> Identity:
        """Always a new secret: one that a browser had before means nothing afterwards."""
        self._access.drop_old_sessions(idle=SESSION_IDLE, lifetime=SESSION_LIFETIME)
        secret = secrets.token_urlsafe(SECRET_BYTES)
        self._access.add_session(secret, name, address)
        identity = self.of_session(secret)
        assert identity is not None
        return identity

    def change_own_password(self, who: Identity, old: str, new: str, address: str) -> None:
        """Set one's own password; one's other sessions end. Refused WrongLogin, WeakPassword."""
        refuse_weak(who.name, new)
        self._throttle.attempt(who.name, address)
        if not is_password(old, self._access.password_hash(who.name)):
            raise Refused(
                "The old password is wrong; it was not changed.",
                code="OldPasswordWrong",
                remedy="Try again, or let an admin set a new one.",
            )
        self._throttle.succeed(who.name, address)
        self._access.change_user(who.name, password_hash=hash_password(new))
        self._access.end_sessions(who.name, but=who.secret)

    # Users

    def users(self) -> list[User]:
        """All users."""
        return self._access.users()

    def add(self, name: str, role: Role, password: str) -> User:
        """Let somebody sign in. Refused BadName, UserExists, WeakPassword."""
        name = name_of(name)
        refuse_weak(name, password)
        return self._access.add_user(name, role, hash_password(password))

    def change(self, name: str, role: Role | None = None, password: str | None = None) -> User:
        """Set a user's role or password. A role counts at once; a password ends his sessions."""
        name = name_of(name)
        values: dict[str, Any] = {}
        user = self._access.user(name)
        if password is not None:
            refuse_weak(name, password)
            values["password_hash"] = hash_password(password)
        if role is not None:
            self._refuse_last_admin(user, role)
            values["role"] = role
        if values:
            self._access.change_user(name, **values)
        if password is not None:
            self._access.end_sessions(name)
        return self._access.user(name)

    def remove(self, name: str) -> None:
        """Forget a user; his sessions end, and the tokens he made. Refused LastAdmin."""
        name = name_of(name)
        self._refuse_last_admin(self._access.user(name), None)
        self._access.remove_user(name)

    def _refuse_last_admin(self, user: User, role: Role | None) -> None:
        admins = [each.name for each in self._access.users() if each.role is Role.ADMIN]
        if role is not Role.ADMIN and admins == [user.name]:
            raise Refused(
                f"{user.name} is the only admin.",
                code="LastAdmin",
                remedy="Make somebody else an admin first.",
            )

    # Tokens of scripts

    def add_token(
        self, description: str, role: Role, by: str, days: int | None
    ) -> tuple[ApiToken, str]:
        """A new token and its secret, which is not kept. It ends after `days`, if given."""
        secret = TOKEN_START + secrets.token_urlsafe(SECRET_BYTES)
        token = ApiToken(
            id=new_id("at"),
            description=description,
            role=role,
            created_by=by,
            created_at=now(),
            expires_at=None if days is None else now() + timedelta(days=days),
            used_at=None,
            expired=False,
        )
        self._access.add_token(token, secret)
        return token, secret

    def tokens(self) -> list[ApiToken]:
        """All tokens."""
        return self._access.tokens()

    def revoke(self, token_id: str) -> None:
        """End a token. Refused NotFound."""
        self._access.token_named(token_id)
        self._access.remove_token(token_id)

    def of_token(self, secret: str) -> Identity | None:
        """Whose token it is; None when it is over. It may do no more than who made it."""
        token = self._access.token(secret)
        if token is None or token.expired:
            return None
        if token.used_at is None or now() - token.used_at > TOUCH_EVERY:
            self._access.touch_token(token.id)
        maker = self._access.role_of(token.created_by) if token.created_by else Role.ADMIN
        if maker is None:  # removed while the token was being made
            return None
        role = token.role if maker.includes(token.role) else maker
        return Identity(token.id, role, "token", secret, "", token.expires_at)

    def maker_of(self, who: Identity) -> str:
        """The user a token that `who` makes depends on; empty for the server's own token."""
        if who.kind == "token":
            return self._access.token_named(who.name).created_by
        return who.name if who.kind == "user" else ""

    def again(self, who: Identity) -> Identity | None:
        """The same one a moment later; None when the session or the token is over."""
        match who.kind:
            case "user":
                return self.of_session(who.secret, is_use=False)
            case "token":
                return self.of_token(who.secret)
            case _:
                return who


def _csrf_token(secret: str) -> str:
    """Known only to who knows the session's secret, and says nothing about it."""
    return hmac.new(secret.encode(), b"sterna csrf", hashlib.sha256).hexdigest()
