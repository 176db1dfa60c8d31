"""Creates the planned accounts on a target, and compares them with the source afterwards.

Accounts and what is granted on everything or on databases come first; what is granted on tables,
columns and routines, or needs another account, comes when the objects are there. Both can be
repeated. The statements are in the target's binary log on purpose: its read-only nodes need them.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from sterna.clusters.account_reading import read_accounts, read_vocabulary
from sterna.clusters.accounts import (
    CARRIED,
    NATIVE,
    SHA2,
    SUPPLIED,
    Account,
    AccountPlan,
    knows_plugin,
)
from sterna.clusters.grants import Grant, Vocabulary, translate
from sterna.mysql.connection import (
    ServerError,
    Session,
    execute,
    greeting_version,
    query,
)
from sterna.mysql.identifiers import quote_text
from sterna.mysql.version import Version

Phase = Literal["accounts", "objects"]

_LIMITS = (
    "MAX_QUERIES_PER_HOUR",
    "MAX_UPDATES_PER_HOUR",
    "MAX_CONNECTIONS_PER_HOUR",
    "MAX_USER_CONNECTIONS",
)
_NO_RULES = (
    "PASSWORD HISTORY DEFAULT",
    "PASSWORD REUSE INTERVAL DEFAULT",
    "PASSWORD REQUIRE CURRENT DEFAULT",
    "FAILED_LOGIN_ATTEMPTS 0",
    "PASSWORD_LOCK_TIME 0",
)
# Not there on the target, or not to be granted there: no table, no column, no routine, no account.
_NO_COLUMN = 1054
_NO_TABLE = frozenset({1049, 1146})
_NOT_GRANTABLE = frozenset({_NO_COLUMN, 1141, 1144, 1146, 1147, 1221, 1305, 1410, 3523, 3619})


@dataclass(frozen=True)
class Carried:
    """What is to be created: accounts as read from the source, in its words, and the plans."""

    accounts: tuple[Account, ...]
    plans: tuple[AccountPlan, ...]
    vocabulary: Vocabulary

    def pairs(self) -> Iterator[tuple[Account, AccountPlan]]:
        """The accounts that reach the target."""
        plans = {plan.account: plan for plan in self.plans}
        for account in self.accounts:
            plan = plans[account.name]
            if plan.how in (CARRIED, SUPPLIED):
                yield (replace(account, locked=True) if plan.locked else account), plan


def apply_accounts(target: Session, carried: Carried, *, phase: Phase) -> tuple[str, ...]:
    """Create the accounts, or grant them what needs objects; a sentence for all that got lost.

    Raises:
        ServerError: the target refused a statement; its text is withheld, it may hold a hash.
    """
    vocabulary = read_vocabulary(target)
    notes: list[str] = []
    pairs = list(carried.pairs())
    if phase == "accounts":
        for account, plan in pairs:
            for sql in _creation(account, plan, greeting_version(target)):
                _execute_secret(target, sql)
    for account, _ in pairs:
        notes += _grant_all(
            target, account, _translated(account, carried.vocabulary, vocabulary), phase
        )
    if phase == "accounts":
        for account, _ in pairs:
            notes += _set_default_roles(target, account)
    return tuple(dict.fromkeys(notes))


def compare_accounts(
    source: Session, target: Session, plans: Iterable[AccountPlan]
) -> tuple[str, ...]:
    """What the target's accounts lack or have more than planned; empty when all is as it was."""
    carried = Carried(read_accounts(source), tuple(plans), read_vocabulary(source))
    found = {(account.user, _host(account)): account for account in read_accounts(target)}
    vocabulary = read_vocabulary(target)
    differences: list[str] = []
    for account, _ in carried.pairs():
        other = found.get((account.user, _host(account)))
        if other is None:
            differences.append(f"{account.name} is missing on the target.")
            continue
        expected, _ = _translated(account, carried.vocabulary, vocabulary)
        differences += _compare(account, other, expected, target)
    return tuple(differences)


# --- creating -----------------------------------------------------------------------------------


def _creation(account: Account, plan: AccountPlan, target: Version) -> Iterator[str]:
    if account.is_role:
        yield f"CREATE ROLE IF NOT EXISTS {quote_text(account.user)}"
        return
    authentication = _authentication(account, plan, target)
    if not target.is_mariadb and not target.at_least(5, 7, 6):
        yield f"GRANT USAGE ON *.* TO {account.name} {authentication}{_requirements(account)}"
    else:
        options = f"{authentication}{_requirements(account)}{_password_options(account)}"
        yield f"CREATE USER IF NOT EXISTS {account.name} {options}"
        yield f"ALTER USER {account.name} {options}{_rules(account, target)}"
    if account.password_expired:
        yield f"ALTER USER {account.name} PASSWORD EXPIRE"


def _authentication(account: Account, plan: AccountPlan, target: Version) -> str:
    if plan.how == SUPPLIED:
        return _identified_by(plan.password, target)
    if plan.locked:
        return _identified_by(secrets.token_urlsafe(32), target)
    if knows_plugin(target, account.plugin):
        return _identified_with(account.plugin, account.secret, target)
    if account.secret or account.plugin != NATIVE:  # locked; nobody will ever know this one
        return _identified_by(secrets.token_urlsafe(32), target)
    return _identified_with(SHA2, "", target)


def _identified_by(password: str, target: Version) -> str:
    if knows_plugin(target, SHA2):
        return f"IDENTIFIED WITH {SHA2} BY {quote_text(password)}"
    return f"IDENTIFIED BY {quote_text(password)}"


def _identified_with(plugin: str, secret: str, target: Version) -> str:
    if target.is_mariadb:
        using = f" USING {quote_text(secret)}" if secret else ""
        return f"IDENTIFIED VIA {plugin}{using}"
    if not target.at_least(5, 7, 6) and plugin == NATIVE:
        return f"IDENTIFIED BY PASSWORD {quote_text(secret)}"
    if not secret:
        return f"IDENTIFIED WITH {plugin} AS ''"  # without AS the password counts as expired
    # Salts may hold any byte; as a number they need no quoting.
    is_binary = plugin != NATIVE and target.at_least(8, 0, 17)
    text = "0x" + secret.encode().hex() if is_binary else quote_text(secret)
    return f"IDENTIFIED WITH {plugin} AS {text}"


def _requirements(account: Account) -> str:
    require = " AND ".join(account.require) or "NONE"
    limits = " ".join(
        f"{name} {value}" for name, value in zip(_LIMITS, account.limits, strict=True)
    )
    return f" REQUIRE {require} WITH {limits}"


def _password_options(account: Account) -> str:
    days = account.password_days
    lifetime = "DEFAULT" if days is None else f"INTERVAL {days} DAY" if days else "NEVER"
    return f" PASSWORD EXPIRE {lifetime} ACCOUNT {'LOCK' if account.locked else 'UNLOCK'}"


def _rules(account: Account, target: Version) -> str:
    """All rules, those that are the default too: the source may have dropped one since the copy."""
    if target.is_mariadb or not target.at_least(8, 0, 21):
        return ""
    given = (*_NO_RULES, *account.rules)  # of two alike the last one holds
    return " " + " ".join(given)


def _execute_secret(session: Session, sql: str) -> None:
    """Run a statement that may hold a secret: an error shows neither it nor parts of it."""
    try:
        execute(session, sql)
    except ServerError as error:
        text = "text withheld, it may hold a secret"
        raise ServerError(error.number, text) from None


# --- granting -----------------------------------------------------------------------------------


def _translated(
    account: Account, source: Vocabulary, target: Vocabulary
) -> tuple[list[Grant], list[str]]:
    grants: list[Grant] = []
    notes: list[str] = []
    for grant in account.grants:
        found, lost = translate(grant, source, target)
        grants += [found] if found else []
        notes += [f"{account.name}: {note}, so it was left out." for note in lost]
    return grants, notes


def _grant_all(
    target: Session, account: Account, translated: tuple[list[Grant], list[str]], phase: Phase
) -> Iterator[str]:
    grants, notes = translated
    if phase == "accounts":
        yield from notes
    name = _name_on_target(account, target)
    for grant in grants:
        if grant.needs_object == (phase == "objects"):
            yield from _grant(target, grant, name)


def _grant(target: Session, grant: Grant, name: str) -> Iterator[str]:
    try:
        execute(target, grant.sql(name))
    except ServerError as error:
        if error.number not in _NOT_GRANTABLE:
            raise
        if error.number == _NO_COLUMN and len(grant.parts) > 1:  # the other columns are there
            for part in grant.parts:
                yield from _grant(target, part, name)
            return
        on = grant.on or "roles"
        yield f"{name}: {', '.join(grant.privileges)} on {on} was left out: {error.text}."


def _name_on_target(account: Account, target: Session) -> str:
    """MariaDB's roles have no host; MySQL's are accounts for every host."""
    if account.is_role and not greeting_version(target).is_mariadb:
        return f"{quote_text(account.user)}@'%'"
    return account.name


def _set_default_roles(target: Session, account: Account) -> Iterator[str]:
    if not account.roles_by_default:
        return
    roles = ", ".join(account.roles_by_default)
    if greeting_version(target).is_mariadb:
        execute(target, f"SET DEFAULT ROLE {roles} FOR {account.name}")
        return
    try:
        execute(target, f"SET DEFAULT ROLE {roles} TO {account.name}")
    except ServerError as error:
        if error.number not in _NOT_GRANTABLE | {3530}:  # the role was left out
            raise
        yield f"{account.name}: the default role {roles} was left out: {error.text}."


# --- comparing ----------------------------------------------------------------------------------


def _host(account: Account) -> str:
    return account.host or ("%" if not account.user or account.is_role else "")


def _compare(
    account: Account, other: Account, expected: list[Grant], target: Session
) -> Iterator[str]:
    wanted, has = _single(expected), _single(other.grants)
    lacking = {right for right in wanted - has if _could_have(target, *right[:2])}
    for label, rights in (("lacks", lacking), ("has more than before", has - wanted)):
        if rights:
            listed = "; ".join(
                sorted(
                    f"{'not ' if revoked else ''}{privilege} on {on}"
                    for privilege, on, (_, revoked) in rights
                )
            )
            yield f"{account.name} {label}: {listed}."
    if account.is_role:
        return
    for what, before, now in (
        ("its lock", account.locked, other.locked),
        ("its TLS requirement", sorted(account.require), sorted(other.require)),
        ("its limits", account.limits, other.limits),
        ("its password's lifetime in days", account.password_days, other.password_days),
        ("its password's expiry", account.password_expired, other.password_expired),
        ("its rules", account.rules, other.rules),
    ):
        if before != now:
            yield f"{account.name}: {what} is {now!r} and was {before!r}."


def _single(grants: Iterable[Grant]) -> set[tuple[str, str, tuple[bool, bool]]]:
    """One entry per privilege and column; columns, accounts and roles without quotes."""
    return {
        (_spelled(part, part.privileges[0]), on, (part.grant_option, part.revoked))
        for grant in grants
        for on in [_spelled(grant, grant.on)]
        for part in grant.parts
    }


def _spelled(grant: Grant, text: str) -> str:
    if grant.is_role or grant.privileges == ("PROXY",):
        return text.replace("`", "").replace("'", "").replace("@%", "")
    return text if text == grant.on else text.replace("`", "")


def _could_have(target: Session, privilege: str, on: str) -> bool:
    """Whether the target has what the right is about. Servers keep rights on tables and columns
    that were dropped, and old ones those on system tables that are gone since."""
    if not on.startswith("`") or on.endswith(".*"):
        return True
    try:
        columns = {str(row[0]).lower() for row in query(target, f"SHOW COLUMNS FROM {on}")}
    except ServerError as error:
        return error.number not in _NO_TABLE
    column = privilege.partition(" (")[2].removesuffix(")")
    return not column or column.lower() in columns
