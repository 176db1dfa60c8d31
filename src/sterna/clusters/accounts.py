"""Accounts of a source: read, and planned one by one for a target version.

A hash is carried as it is where the target still knows the way to log in (`privileges.toml`).
Where it does not, somebody has to decide: supply the password, or leave the account out. Hashes
and passwords are in no repr, no message and no log.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sterna.clusters.grants import Grant, privilege_data
from sterna.errors import Refused
from sterna.mysql.identifiers import quote_text
from sterna.mysql.version import Version

CARRIED = "carried"
SUPPLIED = "password supplied"
LEFT_OUT = "left out"
UNDECIDED = "undecided"

NATIVE = "mysql_native_password"
SHA2 = "caching_sha2_password"

SECOND_PASSWORD = "the older of its two passwords"
SECOND_FACTOR = "its further factors of authentication"
TIME_LIMIT = "its limit of the seconds a statement may take"
NAME_CHARACTERS_MAX = 32  # of MySQL; MariaDB takes 128


@dataclass(frozen=True)
class Account:
    """One account as a server has it.

    Attributes:
        plugin: how it logs in; "" for a role.
        secret: what the server compares a password with; "" where none is set.
        require: SSL, X509 or CIPHER/ISSUER/SUBJECT texts; () for none.
        limits: queries, updates, connections per hour and connections at once; 0 is no limit.
        password_days: days a password is good for; None: the server's default, 0: for ever.
        roles_by_default: roles it has from log-in on, quoted.
        rules: what else MySQL 8.0 and later keep of it, as clauses of ALTER USER: how often a
            password may come again, failed attempts, attributes. Defaults are not among them.
        lost: what it has besides and SQL cannot carry, each in words; with what ends it.
    """

    user: str
    host: str
    plugin: str
    secret: str = field(default="", repr=False)
    locked: bool = False
    is_role: bool = False
    password_expired: bool = False
    password_days: int | None = None
    require: tuple[str, ...] = ()
    limits: tuple[int, int, int, int] = (0, 0, 0, 0)
    grants: tuple[Grant, ...] = ()
    roles_by_default: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Quoted for SQL, and what users see: 'user'@'host'. A MariaDB role has no host."""
        if self.is_role and not self.host:
            return quote_text(self.user)
        return f"{quote_text(self.user)}@{quote_text(self.host)}"


@dataclass(frozen=True)
class Decision:
    """What the user chose for an account: its password, or None to leave it out."""

    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class AccountPlan:
    """How one account reaches the target.

    Attributes:
        account: 'user'@'host'.
        how: carried | password supplied | left out | undecided.
        reason: one sentence for the user.
        warning: whether the reason deserves attention although nothing has to be decided.
        locked: created so that nobody can log in, because objects run as this account.
        remedy: what silences the warning: SQL, or a command; "" where nothing is to be done.
    """

    account: str
    plugin: str
    how: str
    reason: str
    warning: bool = False
    locked: bool = False
    remedy: str = ""
    password: str = field(default="", repr=False)


def plan_accounts(
    accounts: Iterable[Account],
    target: Version,
    *,
    decisions: Mapping[str, Decision],
    existing: Collection[str] = (),
    definers: Collection[str] = (),
) -> tuple[AccountPlan, ...]:
    """One plan per account, in the accounts' order.

    By name, 'user'@'host': `decisions`; `existing`, accounts that the target or Sterna itself has
    already; `definers`, accounts that views, routines, triggers or events run as.

    Raises:
        Refused: WrongPassword, a supplied password does not fit the source's hash.
    """
    return tuple(
        _for_definer(_plan(account, target, decisions.get(account.name)), account, definers)
        if account.name not in existing
        else _as(account, LEFT_OUT, "The target has an account of that name already.")
        for account in accounts
    )


def _for_definer(plan: AccountPlan, account: Account, definers: Collection[str]) -> AccountPlan:
    """An account that stays behind is created all the same when objects run as it: locked."""
    if plan.how != LEFT_OUT or account.name not in definers or account.is_role:
        return plan
    reason = f"{plan.reason} But objects run as it: it is created locked, nobody can log in."
    return AccountPlan(account.name, account.plugin, CARRIED, reason, locked=True)


def _plan(account: Account, target: Version, decision: Decision | None) -> AccountPlan:
    if is_system_account(account):
        return _as(account, LEFT_OUT, "It belongs to the server; the target has its own.")
    if not account.user:
        reason = "An anonymous account lets everybody in; create it by hand if it is wanted."
        return _as(account, LEFT_OUT, reason, remedy=f"DROP USER {account.name};")
    left_out = decision is not None and decision.password is None
    if not target.is_mariadb and len(account.user) > NAME_CHARACTERS_MAX and not left_out:
        return _too_long(account)
    if decision is not None:
        return _decided(account, target, decision)
    if account.is_role:
        return _as(account, CARRIED, "A role; nobody logs in as one.")
    return _undisputed(account, target)


def _decided(account: Account, target: Version, decision: Decision) -> AccountPlan:
    if decision.password is None:
        return _as(account, LEFT_OUT, "You chose to leave it out.")
    if not fits(account, decision.password):
        raise Refused(
            f"The password for {account.name} is not the one the source has; nothing was stored.",
            code="WrongPassword",
            remedy="Supply the password the application uses today, or leave the account out.",
        )
    if knows_plugin(target, account.plugin) and _fits_plugin(account):
        return _undisputed(account, target)
    ended = _ended(account)
    reason = f"Its password is known, so it is created anew with {SHA2}."
    if account.plugin != NATIVE:
        reason += f" Whether it is the one of the source cannot be told for {account.plugin}."
    if account.lost:
        reason += f" What stays behind: {', '.join(account.lost)}."
    return AccountPlan(
        account.name,
        account.plugin,
        SUPPLIED,
        reason,
        warning=bool(ended),
        remedy=ended,
        password=decision.password,
    )


def _too_long(account: Account) -> AccountPlan:
    """No decision but one helps: to leave it out."""
    other = account.name.replace(account.user, account.user[:NAME_CHARACTERS_MAX])
    remedy = f"RENAME USER {account.name} TO {other};\n-- Or another name, for applications too."
    if account.is_role:
        remedy = f"DROP ROLE {account.name};\n-- And a role with a shorter name in its place."
    reason = f"MySQL takes names of {NAME_CHARACTERS_MAX} characters at most."
    return _as(account, UNDECIDED, reason, remedy=remedy)


def _undisputed(account: Account, target: Version) -> AccountPlan:
    if knows_plugin(target, account.plugin) and _fits_plugin(account):
        reason = "The target takes the password as it is stored."
        if not account.lost:
            return _as(account, CARRIED, reason)
        reason += f" What stays behind: {', '.join(account.lost)}."
        return _as(account, CARRIED, reason, remedy=_ended(account))
    if account.plugin == NATIVE and not account.secret:
        reason = "It has no password, and will have none on the target. Give it one."
        return _as(account, CARRIED, reason, remedy=f"-- SET PASSWORD FOR {account.name} = …;")
    if account.locked:
        reason = (
            f"It is locked and stays so. {target} does not know {account.plugin}:"
            " give it a password before it is unlocked."
        )
        return _as(account, CARRIED, reason, remedy=f"-- ALTER USER {account.name} IDENTIFIED …;")
    return _as(
        account,
        UNDECIDED,
        f"{target} does not know {account.plugin}, so the stored password is of no use to it."
        " Supply the password, or leave the account out.",
    )


def _as(account: Account, how: str, reason: str, *, remedy: str = "") -> AccountPlan:
    """A plan; one with a remedy is a warning."""
    return AccountPlan(account.name, account.plugin, how, reason, bool(remedy), remedy=remedy)


def _ended(account: Account) -> str:
    """What takes from an account what cannot be carried."""
    sql = {
        SECOND_PASSWORD: f"ALTER USER {account.name} DISCARD OLD PASSWORD;",
        SECOND_FACTOR: f"ALTER USER {account.name} DROP 2 FACTOR;",
        TIME_LIMIT: f"ALTER USER {account.name} WITH MAX_STATEMENT_TIME 0;",
    }
    return "\n".join(sql[lost] for lost in account.lost)


def is_system_account(account: Account) -> bool:
    """Whether the server made it for itself: its own, PUBLIC, and root as installed."""
    if account.is_role and account.user == "PUBLIC":
        return True
    if account.user == "root" and not account.secret:
        return True
    return f"{account.user}@{account.host}" in privilege_data()["system_accounts"]["names"]


def knows_plugin(version: Version, plugin: str) -> bool:
    """Whether a server of this version lets accounts log in this way."""
    return any(
        _covers(entry, version) for entry in privilege_data()["plugin"] if entry["name"] == plugin
    )


def _covers(entry: Mapping[str, Any], version: Version) -> bool:
    if entry["flavor"] != version.flavor or not version.at_least(*_numbers(entry["since"])):
        return False
    return "until" not in entry or not version.at_least(*_numbers(entry["until"]))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))


def _fits_plugin(account: Account) -> bool:
    """A native hash is `*` and 40 digits; other lengths are older inventions."""
    return account.plugin != NATIVE or len(account.secret) in (0, 41)


def fits(account: Account, password: str) -> bool:
    """Whether a password is the account's; True where the hash cannot be checked."""
    if account.plugin != NATIVE:
        return True
    return hmac.compare_digest(native_hash(password), account.secret.upper())


def native_hash(password: str) -> str:
    """What mysql_native_password stores: `*` and the SHA-1 of the SHA-1; "" for no password."""
    if not password:
        return ""
    once = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    return "*" + hashlib.sha1(once, usedforsecurity=False).hexdigest().upper()
