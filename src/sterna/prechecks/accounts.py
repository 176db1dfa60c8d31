"""Every account has a way to the target, or somebody decided that it has none."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from sterna.prechecks.base import Check, Context, Finding


class Accounts(Check):
    """Finds accounts whose password the target cannot take."""

    name = "accounts"
    title = "Source Instance Account Mode"
    category = "key"
    why = "An application whose account is missing after the switch is locked out."

    def run(self, context: Context) -> Iterator[Finding]:
        """An error per undecided account; what else deserves attention as a warning or note."""
        for plan in context.accounts:
            arguments = f"{context.instance} {_in_a_shell(plan.account)}"
            if plan.how == "undecided":
                yield self.error(
                    plan.account,
                    message=plan.reason,
                    remedy=plan.remedy
                    or f"sterna account set-password {arguments}\n"
                    f"or: sterna account leave-out {arguments}",
                )
            elif plan.warning:
                yield self.warning(plan.account, message=plan.reason, remedy=plan.remedy)
            elif plan.how == "left out":
                yield self.note(plan.account, message=f"It is left out. {plan.reason}")


def _in_a_shell(account: str) -> str:
    """As one word of a command line: in double quotes, which names in quotes are read in best."""
    return shlex.quote(account) if set('"$`\\!') & set(account) else f'"{account}"'
