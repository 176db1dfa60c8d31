"""The account used on the source may do everything the upgrade, the switch and the way back need.

What is needed on which version is data: `privileges.toml`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from sterna.mysql.connection import query, scalar
from sterna.mysql.identifiers import quote_text
from sterna.mysql.version import Version
from sterna.prechecks.base import Check, Context, Finding

_DATA = Path(__file__).with_name("privileges.toml")


class SourcePrivileges(Check):
    """Finds each missing privilege."""

    name = "source_privileges"
    title = "Source privileges"
    category = "dependencies"
    why = "A missing privilege would stop the upgrade half-way."

    def run(self, context: Context) -> Iterator[Finding]:
        """One error per privilege, with the GRANT an administrator runs."""
        account = _quoted(str(scalar(context.source, "SELECT CURRENT_USER()")))
        rows = query(
            context.source,
            "SELECT PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES WHERE GRANTEE = %s",
            [account],
        )
        granted = {str(row[0]) for row in rows}
        for needed in needed_privileges(context.version):
            name = needed["name"]
            if not granted.intersection((name, *needed.get("or", ()))):
                yield self.error(
                    name,
                    message=f"{account} lacks {name}: {needed['why']}.",
                    remedy=f"GRANT {name} ON *.* TO {account};",
                )


@cache
def _entries() -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = tomllib.loads(_DATA.read_text(encoding="utf-8"))["privilege"]
    return entries


def needed_privileges(version: Version) -> list[dict[str, Any]]:
    """The entries of privileges.toml for a version, in the file's order."""
    return [entry for entry in _entries() if _applies(entry, version)]


def _applies(entry: dict[str, Any], version: Version) -> bool:
    if entry.get("flavor", version.flavor) != version.flavor:
        return False
    since, until = (_numbers(entry.get(key, "")) for key in ("since", "until"))
    return version.at_least(*since) and not (until and version.at_least(*until))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(".") if number)


def _quoted(current_user: str) -> str:
    user, _, host = current_user.rpartition("@")
    return f"{quote_text(user)}@{quote_text(host)}"
