"""What accounts may do, they may do on the target."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from sterna.mysql.connection import query
from sterna.prechecks.base import Check, Context, Finding

# MariaDB's, without a counterpart in MySQL.
_LOST = frozenset({"DELETE HISTORY", "FEDERATED ADMIN", "READ_ONLY ADMIN", "READ ONLY ADMIN"})
_LOST |= {"REPLICATION MASTER ADMIN"}
_SUPER = "SUPER"


class AccountPrivileges(Check):
    """Finds privileges that the target has not got, and says who has SUPER."""

    name = "account_privileges"
    title = "Privileges the target does not have"
    category = "key"
    why = "A privilege without a counterpart is left out; SUPER is split into what it stood for."

    def run(self, context: Context) -> Iterator[Finding]:
        """A warning per privilege and account, a note for SUPER."""
        if not context.to_mysql or not context.target.at_least(8):
            return
        rows = query(
            context.source,
            "SELECT GRANTEE, PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES"
            " WHERE GRANTEE NOT LIKE '''mysql.%' ORDER BY 1, 2",
        )
        holders: dict[str, set[str]] = defaultdict(set)
        for account, privilege in rows:
            holders[str(account)].add(str(privilege).upper())
        for account, privileges in holders.items():
            if account in context.left_out:
                continue
            if _SUPER not in privileges:  # whoever has it administrates, and has all the others
                for privilege in sorted(privileges & _LOST if context.crosses else ()):
                    yield self.warning(
                        account,
                        message=f"MySQL has no privilege like {privilege}.",
                        remedy=f"REVOKE {privilege} ON *.* FROM {account};",
                    )
        administrators = [name for name, held in holders.items() if _SUPER in held]
        if administrators and (context.version.is_mariadb or not context.version.at_least(8)):
            names = ", ".join(administrators)
            message = f"SUPER is split into the privileges it stands for: {names}."
            yield self.note(_SUPER, message=message)
