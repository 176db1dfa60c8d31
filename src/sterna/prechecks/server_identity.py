"""The source's server id is not one that a sync task uses."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.prechecks.base import Check, Context, Finding


class ServerIdentity(Check):
    """Finds a server id out of the range from which sync tasks take theirs."""

    name = "server_identity"
    title = "Server id"
    category = "dependencies"
    why = "A server refuses a replica that calls itself by the server's own id."

    def run(self, context: Context) -> Iterator[Finding]:
        """One error."""
        number = int(context.variable("server_id") or 0)
        if number in context.reserved_server_ids:
            yield self.error(
                "server_id",
                message=f"The source's server id {number} may be that of a sync task.",
                remedy="SET GLOBAL server_id = 1;\n-- And in its configuration: server_id = 1."
                " Choose another where a replica of it has this one.",
            )
