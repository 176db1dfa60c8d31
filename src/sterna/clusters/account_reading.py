"""Reads the accounts of a server of any version."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from sterna.clusters.accounts import (
    NATIVE,
    SECOND_FACTOR,
    SECOND_PASSWORD,
    TIME_LIMIT,
    Account,
)
from sterna.clusters.grants import Grant, Vocabulary, parse_grant
from sterna.mysql.catalog import (
    read_databases,
    read_events,
    read_routines,
    read_triggers,
    read_views,
)
from sterna.mysql.connection import Session, greeting_version, query, query_dicts
from sterna.mysql.identifiers import quote_text

_LIMITS = ("max_questions", "max_updates", "max_connections", "max_user_connections")
_SECRET = "authentication_string"
_LOST = {
    "additional_password": SECOND_PASSWORD,
    "multi_factor_authentication": SECOND_FACTOR,
}
_MARIADB_TLS = {1: ("SSL",), 2: ("X509",)}


def read_vocabulary(session: Session) -> Vocabulary:
    """The privileges a server knows."""
    names = (str(row[0]).upper() for row in query(session, "SHOW PRIVILEGES"))
    return Vocabulary(greeting_version(session).flavor, frozenset(names))


def read_accounts(session: Session) -> tuple[Account, ...]:
    """All accounts and roles with their grants, roles first, then by user and host.

    Needs SELECT on the database `mysql`. Raises Refused without it.
    """
    is_mariadb = greeting_version(session).is_mariadb
    found = _read_mariadb(session) if is_mariadb else _read_mysql(session)
    ordered = sorted(found, key=lambda account: (not account.is_role, account.user, account.host))
    return tuple(
        replace(account, grants=_read_grants(session, account.name)) for account in ordered
    )


def read_definers(session: Session) -> frozenset[str]:
    """The accounts that views, routines, triggers and events run as, 'user'@'host'."""
    found: set[str] = set()
    for database in read_databases(session):
        for read in (read_views, read_routines, read_triggers, read_events):
            found |= {each.definer for each in read(session, database.name)}
    return frozenset(_account_name(definer) for definer in found)


def _account_name(definer: str) -> str:
    user, _, host = definer.rpartition("@")
    return f"{quote_text(user)}@{quote_text(host)}"


def _read_grants(session: Session, account: str) -> tuple[Grant, ...]:
    lines = (str(row[0]) for row in query(session, f"SHOW GRANTS FOR {account}"))
    grants = (parse_grant(line) for line in lines)
    return tuple(grant for grant in grants if grant is not None)


def _read_mysql(session: Session) -> list[Account]:
    rows = query_dicts(session, "SELECT * FROM mysql.user")
    roles = _read_default_roles(session)
    return [_mysql_account({key.lower(): row[key] for key in row}, roles) for row in rows]


def _read_default_roles(session: Session) -> dict[tuple[str, str], tuple[str, ...]]:
    if not query(session, "SHOW TABLES FROM mysql LIKE 'default_roles'"):
        return {}
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for row in query(
        session,
        "SELECT USER, HOST, DEFAULT_ROLE_USER, DEFAULT_ROLE_HOST FROM mysql.default_roles"
        " ORDER BY 1, 2, 3, 4",
    ):
        user, host, role, role_host = map(_text, row)
        name = f"{quote_text(role)}@{quote_text(role_host)}"
        found[user, host] = (*found.get((user, host), ()), name)
    return found


def _mysql_account(
    row: Mapping[str, Any], roles: Mapping[tuple[str, str], tuple[str, ...]]
) -> Account:
    user, host = _text(row["user"]), _text(row["host"])
    lifetime = row.get("password_lifetime")
    return Account(
        user=user,
        host=host,
        plugin=_text(row.get("plugin")) or NATIVE,
        # 5.6 keeps native hashes in `Password`.
        secret=_text(row.get("password")) or _text(row.get("authentication_string")),
        locked=_text(row.get("account_locked")) == "Y",
        password_expired=_text(row.get("password_expired")) == "Y",
        password_days=None if lifetime is None else int(lifetime),
        require=_require(row, _text(row["ssl_type"])),
        limits=_limits(row),
        roles_by_default=roles.get((user, host), ()),
        rules=tuple(_rules(row)),
        lost=tuple(words for key, words in _LOST.items() if key in _attributes(row)),
    )


def _attributes(row: Mapping[str, Any]) -> dict[str, Any]:
    """What MySQL 8.0 and later keep in JSON: second passwords, locking, comments."""
    return dict(json.loads(_text(row.get("user_attributes")) or "{}"))


def _rules(row: Mapping[str, Any]) -> Iterator[str]:
    if (history := row.get("password_reuse_history")) is not None:
        yield f"PASSWORD HISTORY {history}"
    if (days := row.get("password_reuse_time")) is not None:
        yield f"PASSWORD REUSE INTERVAL {days} DAY"
    if current := _text(row.get("password_require_current")):
        yield "PASSWORD REQUIRE CURRENT" + ("" if current == "Y" else " OPTIONAL")
    attributes = _attributes(row)
    if locking := attributes.get("Password_locking"):
        days = locking["password_lock_time_days"]
        yield f"FAILED_LOGIN_ATTEMPTS {locking['failed_login_attempts']}"
        yield f"PASSWORD_LOCK_TIME {'UNBOUNDED' if days < 0 else days}"
    if metadata := attributes.get("metadata"):
        yield f"ATTRIBUTE {quote_text(json.dumps(metadata, sort_keys=True))}"


def _require(row: Mapping[str, Any], kind: str) -> tuple[str, ...]:
    if kind in ("ANY", "X509"):
        return ("SSL" if kind == "ANY" else "X509",)
    if kind != "SPECIFIED":
        return ()
    columns = {"ssl_cipher": "CIPHER", "x509_issuer": "ISSUER", "x509_subject": "SUBJECT"}
    return tuple(
        f"{word} {quote_text(_text(row[column]))}"
        for column, word in columns.items()
        if row.get(column)
    )


def _limits(row: Mapping[str, Any]) -> tuple[int, int, int, int]:
    first, second, third, fourth = (int(row.get(name) or 0) for name in _LIMITS)
    return first, second, third, fourth


def _read_mariadb(session: Session) -> list[Account]:
    rows = query(session, "SELECT User, Host, Priv FROM mysql.global_priv")
    return [
        _mariadb_account(_text(user), _text(host), json.loads(_text(priv)))
        for user, host, priv in rows
    ]


def _mariadb_account(user: str, host: str, priv: Mapping[str, Any]) -> Account:
    is_role = bool(priv.get("is_role"))
    plugin, secret = _mariadb_secret(priv)
    kind = int(priv.get("ssl_type", 0))
    days = int(priv.get("password_lifetime", -1))
    role = priv.get("default_role")
    return Account(
        user=user,
        host=host,
        plugin="" if is_role else plugin,
        secret=secret,
        locked=bool(priv.get("account_locked")),
        is_role=is_role,
        # MariaDB marks an expired password as changed at the beginning of time.
        password_expired=priv.get("password_last_changed") == 0,
        password_days=None if days < 0 else days,
        require=_MARIADB_TLS.get(kind) or _require(priv, "SPECIFIED" if kind == 3 else ""),
        limits=_limits(priv),
        roles_by_default=(quote_text(str(role)),) if role else (),
        lost=(TIME_LIMIT,) if float(priv.get("max_statement_time", 0)) else (),
    )


def _mariadb_secret(priv: Mapping[str, Any]) -> tuple[str, str]:
    """Of several ways to log in the one with a password that others know."""
    ways = [
        (str(way.get("plugin") or priv.get("plugin") or NATIVE), _text(way.get(_SECRET)))
        for way in (way or priv for way in priv.get("auth_or", [priv]))
    ]
    native = [way for way in ways if way[0] == NATIVE and way[1] not in ("", "invalid")]
    return native[0] if native else ways[-1]


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode()
    return "" if value is None else str(value)
