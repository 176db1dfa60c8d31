"""No account is locked out already without anybody knowing."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.connection import query
from sterna.mysql.identifiers import quote_text
from sterna.prechecks.base import Check, Context, Finding


class ExpiredAccounts(Check):
    """Finds accounts whose password has been marked as expired."""

    name = "expired_accounts"
    title = "Expired passwords"
    category = "key"
    why = "It is expired on the cluster as well; whoever logs in can only set a new password."

    def run(self, context: Context) -> Iterator[Finding]:
        """One warning per account."""
        rows = query(
            context.source,
            "SELECT User, Host FROM mysql.user WHERE password_expired = 'Y'"
            " AND User NOT IN ('mariadb.sys', 'mysql.sys', 'mysql.session', 'mysql.infoschema')"
            " ORDER BY 1, 2",
        )
        for user, host in rows:
            name = f"{quote_text(str(user))}@{quote_text(str(host))}"
            if name in context.left_out:
                continue
            remedy = f"DROP USER {name};\n-- Or set a new password, if somebody still uses it."
            yield self.warning(name, message="Its password has expired.", remedy=remedy)
