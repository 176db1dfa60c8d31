"""No account of the source has the name of one that the target needs for itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sterna.mysql.connection import query
from sterna.mysql.identifiers import quote_text
from sterna.prechecks.base import Check, Context, Finding

_SERVERS_OWN = frozenset(
    {"mysql.sys", "mysql.session", "mysql.infoschema", "mariadb.sys", "PUBLIC"}
)
_TWO_ADMINISTRATORS = frozenset({"root", "aliyun_root"})


class AccountCollisions(Check):
    """Finds accounts that would become one with another: with Sterna's, the server's, a role's."""

    name = "account_collisions"
    title = "Source Instance Root Account"
    category = "key"
    why = "Of two accounts with one name the target can only have one, with the rights of one."

    def run(self, context: Context) -> Iterator[Finding]:
        """An error per collision; a warning where two accounts administrate."""
        rows = query(context.source, "SELECT User, Host FROM mysql.user ORDER BY 1, 2")
        accounts = [(str(user), str(host)) for user, host in rows]
        for user, host in accounts:
            name = f"{quote_text(user)}@{quote_text(host)}"
            if name == context.own_account:
                yield self._taken(name, "Sterna's own account on the cluster has that name.")
            elif user in _SERVERS_OWN and host not in ("localhost", ""):
                yield self._taken(name, "The target's server keeps that name for itself.")
        if context.crosses:
            yield from self._roles(context, accounts)
        if Counter(user for user, _ in accounts).keys() >= _TWO_ADMINISTRATORS:
            yield self.warning(
                "aliyun_root",
                message="The source has both root and aliyun_root.",
                remedy="DROP USER 'aliyun_root'@'%';\n-- Unless somebody still uses it.",
            )

    def _taken(self, name: str, message: str) -> Finding:
        user, _, host = name.rpartition("@")
        other = f"{user[:-1]}_app'@{host}"
        return self.error(
            name,
            message=message,
            remedy=f"RENAME USER {name} TO {other};\n-- Or drop it, if nobody uses it.",
            ignorable=True,
        )

    def _roles(self, context: Context, accounts: list[tuple[str, str]]) -> Iterator[Finding]:
        """MariaDB's role `r` becomes MySQL's 'r'@'%'."""
        rows = query(context.source, "SELECT User FROM mysql.user WHERE is_role = 'Y'")
        for role in (str(row[0]) for row in rows):
            if (role, "%") in accounts:
                yield self.error(
                    role,
                    message=f"MySQL has one name for the role {role} and for the account"
                    f" {quote_text(role)}@'%'.",
                    remedy=f"RENAME USER {quote_text(role)}@'%' TO {quote_text(role + '_app')}@'%';"
                    "\n-- Or give the role another name.",
                )
