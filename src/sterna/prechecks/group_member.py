"""A source in a group is its one primary, and the group is well."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.connection import query
from sterna.prechecks.base import Check, Context, Finding

_MEMBERS = (
    "SELECT MEMBER_ID, MEMBER_STATE, {role} FROM performance_schema.replication_group_members"
    " WHERE MEMBER_ID <> ''"
)


class GroupMember(Check):
    """Finds members of Group Replication or Galera that are not, or may not stay, the primary."""

    name = "group_member"
    title = "Members of a group"
    category = "basic"
    why = (
        "A group may choose another primary at any time. Sterna reads one server's binary"
        " log, and makes one server read-only at the switch."
    )

    def run(self, context: Context) -> Iterator[Finding]:
        """An error where the source is not well or not alone, else a warning."""
        if context.variable("wsrep_on") == "ON" and context.variable("wsrep_provider") != "none":
            yield self._galera()
        if context.variable("group_replication_group_name"):
            yield from self._group(context)

    def _galera(self) -> Finding:
        return self.error(
            "wsrep_on",
            message="The source is a member of a Galera cluster: others write as well.",
            remedy="Upgrade from an asynchronous replica of it that nobody else writes to.",
        )

    def _group(self, context: Context) -> Iterator[Finding]:
        role = "MEMBER_ROLE" if context.version.at_least(8) else "''"
        rows = query(context.source, _MEMBERS.format(role=role))
        own = [row for row in rows if row[0] == context.variable("server_uuid")]
        if not own or own[0][1] == "OFFLINE":
            return
        state, place = str(own[0][1]), str(own[0][2])
        alone = context.variable("group_replication_single_primary_mode") == "ON"
        if state != "ONLINE" or place == "SECONDARY" or not alone:
            yield self.error(
                "group_replication",
                message=f"The source is {state} {place or 'member'} of a group of {len(rows)}"
                f"{'' if alone else ' in which all members write'}.",
                remedy="Register the primary of a group with one primary.",
            )
        else:
            yield self.warning(
                "group_replication",
                message=f"The source is the primary of a group of {len(rows)}.",
                remedy="Let nobody change the primary until the migration is completed; the other"
                " members do not follow the cluster.",
            )
