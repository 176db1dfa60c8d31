"""Switching the binary log of a completed cluster off: one restart of its primary.

Read-only nodes follow the primary by its binary log, so a cluster that has any keeps it. What is
left to restart is the primary. Its dirty pages are written out before anybody has to wait; then
new connections wait at the endpoints, the sessions are cut, and the server restarts.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from sterna.errors import Refused, SternaError, Transient
from sterna.mysql.connection import Session, execute, open_session, query, scalar
from sterna.store.cluster_records import NO_BINLOG
from sterna.workflow.tools import Tools

_READERS = (
    "SELECT user, host FROM information_schema.processlist"
    " WHERE command LIKE 'Binlog Dump%%' AND user <> %s"
)
FLUSH_SECONDS_MAX = 60.0
DIRTY_PAGES_FEW = 500
POLL_SECONDS = 0.2


def refuse_binlog_off(tools: Tools, cluster_id: str) -> None:
    """Refused (BinaryLogNeeded) while anybody but the sync task reads the primary's log."""
    readers = [node for node in tools.inventory.nodes(cluster_id) if node.role == "Reader"]
    if readers:
        raise Refused(
            f"{len(readers)} read-only nodes of {cluster_id} follow its primary by the binary log; "
            "without it they would stand still.",
            code="BinaryLogNeeded",
            remedy=f"Complete without that option: sterna complete {cluster_id}.",
        )
    limits = tools.inventory.cluster(cluster_id).serverless
    if limits is not None and limits.nodes_max:
        raise Refused(
            f"{cluster_id} gets read-only nodes when its load asks for them, and they follow its"
            " primary by the binary log.",
            code="BinaryLogNeeded",
            remedy="Complete without that option, or allow none first: sterna cluster serverless"
            f" {cluster_id} --nodes 0:0.",
        )
    tools.refuse_adopted(tools.inventory.cluster(cluster_id))
    with open_session(tools.cluster(cluster_id).server) as session:
        ours, _ = tools.inventory.cluster_admin(cluster_id)
        others = [f"{user}@{host}" for user, host in query(session, _READERS, [ours])]
    if others:
        raise Refused(
            f"Others read the binary log of {cluster_id}: {', '.join(others)}.",
            code="BinaryLogNeeded",
            remedy="End them first, or complete without that option.",
        )


def is_off(tools: Tools, cluster_id: str) -> bool:
    """Whether the primary runs without a binary log."""
    with open_session(tools.cluster(cluster_id).server) as session:
        return not int(scalar(session, "SELECT @@GLOBAL.log_bin"))


def write_out_pages(tools: Tools, cluster_id: str) -> int:
    """Make the shutdown short: write changed pages out beforehand; how many are left."""
    deadline = time.monotonic() + FLUSH_SECONDS_MAX
    with open_session(tools.cluster(cluster_id).server) as session:
        execute(session, "SET GLOBAL innodb_max_dirty_pages_pct = 0")
        while (left := _dirty_pages(session)) > DIRTY_PAGES_FEW and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
    return left


def restart_without(tools: Tools, cluster_id: str) -> str:
    """Restart the primary without the binary log; why it runs with it again, or nothing."""
    kept = tools.inventory.cluster_parameters(cluster_id)
    try:
        _restart(tools, cluster_id, {**kept, **NO_BINLOG})
    except SternaError as error:
        _restart(tools, cluster_id, {name: kept[name] for name in kept if name not in NO_BINLOG})
        return error.message
    if not is_off(tools, cluster_id):
        raise Transient("The primary was started by another hand, with its binary log.")
    return ""


def _restart(tools: Tools, cluster_id: str, parameters: Mapping[str, str]) -> None:
    """The parameters are kept first: whoever starts the node next starts it with them."""
    tools.inventory.set_cluster_parameters(cluster_id, parameters)
    spec = tools.node_spec(cluster_id, tools.writer(cluster_id))
    tools.provisioner.stop_node(spec)
    tools.provisioner.start_node(spec)


def _dirty_pages(session: Session) -> int:
    return int(
        scalar(
            session,
            "SELECT SUM(modified_database_pages) FROM information_schema.innodb_buffer_pool_stats",
        )
    )
