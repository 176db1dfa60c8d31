"""Grants: read from SHOW GRANTS, translated into the target's privileges, spelled. No I/O."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from sterna.errors import Stopped

_DATA = Path(__file__).with_name("privileges.toml")
# What SHOW PRIVILEGES lists besides the privileges ALL stands for.
_NOT_IN_ALL = frozenset({"USAGE", "PROXY", "GRANT OPTION"})
_QUOTED = re.compile(r"`(?:[^`]|``)*`|'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"")
_GLOBAL = "*.*"


@dataclass(frozen=True)
class Grant:
    """One GRANT without its account.

    Attributes:
        privileges: upper case, columns behind: "SELECT (`a`, `b`)"; names of roles for a role.
        on: "*.*", "`app\\_%`.*", "`db`.`t`", "PROCEDURE `db`.`p`", "'a'@'b'" for PROXY; "" for
            roles.
        grant_option: whether the holder may pass it on.
        revoked: whether it is taken away here from what is granted everywhere (MySQL's partial
            revokes).
    """

    privileges: tuple[str, ...]
    on: str
    grant_option: bool = False
    revoked: bool = False

    @property
    def is_role(self) -> bool:
        """Whether roles are granted, and no privileges."""
        return not self.on

    @property
    def needs_object(self) -> bool:
        """Whether it can only be granted once its table, routine or account exists."""
        return not self.is_role and not self.on.endswith(".*")

    @property
    def parts(self) -> tuple[Grant, ...]:
        """The same as one grant for each privilege and column."""
        names = (part for privilege in self.privileges for part in _by_column(privilege))
        return tuple(replace(self, privileges=(name,)) for name in names)

    def sql(self, account: str) -> str:
        """The statement; `account` is quoted, as `'user'@'host'`."""
        on = "" if self.is_role else f" ON {self.on}"
        if self.revoked:
            return f"REVOKE {', '.join(self.privileges)}{on} FROM {account}"
        option = "ADMIN" if self.is_role else "GRANT"
        with_option = f" WITH {option} OPTION" if self.grant_option else ""
        return f"GRANT {', '.join(self.privileges)}{on} TO {account}{with_option}"


def parse_grant(line: str) -> Grant | None:
    """A line of SHOW GRANTS; None for one that grants nothing (USAGE, SET DEFAULT ROLE).

    Raises:
        Stopped: the line is no GRANT we know; its text is not shown, it may hold a hash.
    """
    bare = _QUOTED.sub(lambda found: "_" * len(found[0]), line)
    if bare.startswith("SET DEFAULT ROLE"):
        return None
    revoked = bare.startswith("REVOKE ")
    to = bare.find(" FROM " if revoked else " TO ")
    if not bare.startswith(("GRANT ", "REVOKE ")) or to < 0:
        raise Stopped(
            "SHOW GRANTS returned a line that is not understood.",
            code="UnknownGrant",
            remedy="Compare the source's SHOW GRANTS of its accounts with the documentation.",
        )
    on = bare.find(" ON ", 0, to)
    privileges = _listed(line[bare.index(" ") + 1 : on if on >= 0 else to])
    # 5.6 does not escape quotes in REQUIRE texts: only the unquoted tail can be trusted.
    may_grant = re.search(r" WITH (GRANT|ADMIN) OPTION[A-Z0-9_ ]*$", line) is not None
    if privileges == ("USAGE",) and not may_grant:
        return None
    return Grant(privileges, line[on + len(" ON ") : to] if on >= 0 else "", may_grant, revoked)


def _by_column(privilege: str) -> Iterator[str]:
    name, opened, columns = privilege.partition(" (")
    if not opened:
        yield privilege
    for column in _listed(columns[:-1]) if opened else ():
        yield f"{name} ({column})"


def _listed(text: str) -> tuple[str, ...]:
    """Split at the commas outside of quotes and parentheses."""
    bare = _QUOTED.sub(lambda found: "_" * len(found[0]), text)
    bare = re.sub(r"\([^)]*\)", lambda found: "_" * len(found[0]), bare)
    ends = [match.start() for match in re.finditer(",", bare)] + [len(text)]
    starts = [0] + [end + 1 for end in ends[:-1]]
    return tuple(text[start:end].strip() for start, end in zip(starts, ends, strict=True))


@dataclass(frozen=True)
class Vocabulary:
    """The privileges a server knows, upper case, as SHOW PRIVILEGES lists them."""

    flavor: str
    known: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        """What ALL PRIVILEGES ON *.* stands for."""
        return self.known - _NOT_IN_ALL

    @property
    def splits_super(self) -> bool:
        """Whether SUPER is old and its rights have names of their own (MySQL 8.0 on)."""
        return "SYSTEM_VARIABLES_ADMIN" in self.known


@cache
def privilege_data() -> dict[str, Any]:
    """The contents of privileges.toml."""
    return tomllib.loads(_DATA.read_text(encoding="utf-8"))


@cache
def _becomes() -> dict[str, list[str]]:
    return {entry["name"]: entry["becomes"] for entry in privilege_data()["privilege"]}


def translate(
    grant: Grant, source: Vocabulary, target: Vocabulary
) -> tuple[Grant | None, tuple[str, ...]]:
    """The grant in the target's words, None if nothing is left; and what got lost on the way.

    Never more than before: a global ALL becomes the list of what the source understood by it.
    """
    if grant.is_role or grant.privileges == ("PROXY",) or source == target:
        return grant, ()
    names, lost = [], []
    for privilege in _spelled_out(grant, source):
        found = list(_translated(privilege, target))
        names += [name for name in found if name not in names]
        lost += [] if found else [privilege]
    notes = tuple(f"{name} on {grant.on} does not exist on the target" for name in lost)
    return (replace(grant, privileges=tuple(names)) if names else None), notes


def _spelled_out(grant: Grant, source: Vocabulary) -> tuple[str, ...]:
    if grant.on == _GLOBAL and grant.privileges == ("ALL PRIVILEGES",):
        return tuple(sorted(source.all))
    return grant.privileges


def _translated(privilege: str, target: Vocabulary) -> Iterator[str]:
    name = privilege.partition(" (")[0]
    is_old_super = name == "SUPER" and target.splits_super
    if not is_old_super and (name in target.known or name == "ALL PRIVILEGES"):
        yield privilege
        return
    for other in _becomes().get(name, ()):
        if other in target.known:
            yield other
