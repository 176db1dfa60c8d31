"""Other readers of the binary logs, seen on two real servers and moved from one to the other."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from sterna.errors import Transient
from sterna.migration.status import Action
from sterna.mysql.connection import Server, execute, open_session
from sterna.mysql.replication import BinlogStream
from sterna.store.records import PositionPair
from tests.fixtures.desk import Desk, open_desk
from tests.fixtures.link import current_position
from tests.fixtures.running import RunningServer, ServerFarm, eventually

READER = "cdc@127.0.0.1"


def test_a_reader_is_followed_from_one_log_to_the_other(
    server_farm: ServerFarm, mysql57: RunningServer, mysql97: RunningServer
) -> None:
    """Where it belongs it is not left; after the switchover it is, until it reads there or a
    person has moved it; back again after a rollback. Sterna itself is nobody."""
    home = server_farm.folder / "log-readers"
    home.mkdir()
    with open_desk(home) as desk, accounts(mysql57, mysql97) as (at_source, at_cluster):
        cluster_id = migrating(desk, mysql57, mysql97)
        listed = ("reader", "list", cluster_id)
        assert desk.ask(*listed)["readers"] == []
        with reading(mysql57.server), reading(at_source):
            (seen,) = eventually(lambda: caught_up(desk.ask(*listed)))
            assert (seen["name"], seen["reads"], seen["connections"]) == (READER, ["source"], 1)
            assert desk.ask(*listed)["left"] == 0
            desk.tools.journal.change_migration(cluster_id, source_mode="ro", cluster_mode="rw")
            left = desk.ask(*listed)
            assert (left["belong_to"], left["left"]) == ("cluster", 1)
            assert READER in left["sentence"]
            still = desk.ask("reader", "move", cluster_id, READER)
            assert still["left"] == 1, "it still reads the source"
            end = desk.service.plan_end(cluster_id, Action.COMPLETE)
            assert f"{READER} is still on the source's binary log" in "".join(end.warnings)
        eventually(lambda: not desk.ask(*listed)["readers"][0]["reads"])
        at = a_pair(desk, mysql57, mysql97)
        moved = desk.ask("reader", "move", cluster_id, READER, "--at", at.source_position)
        assert moved["left"] == 0
        assert moved["readers"][0]["position"] == at.cluster_position
        assert moved["newest"]["cluster_position"] == at.cluster_position
        assert "Nothing is left on the source" in desk.run(*listed)[1]
        with reading(at_cluster):
            eventually(lambda: desk.ask(*listed)["readers"][0]["reads"] == ["cluster"])
            desk.tools.journal.change_migration(cluster_id, source_mode="rw", cluster_mode="ro")
            back = desk.ask(*listed)
            assert (back["belong_to"], back["left"]) == ("source", 1)
        assert desk.refusal("reader", "move", cluster_id, "nobody@nowhere") == "NotFound"
        desk.tools.journal.change_migration(cluster_id, status="NO_MIGRATION")
        assert desk.refusal("reader", "move", cluster_id, READER) == "StatusNotSupported"


def caught_up(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The readers that have been sent all there is."""
    return [reader for reader in found["readers"] if reader["caught_up"]]


def migrating(desk: Desk, source: RunningServer, target: RunningServer) -> str:
    """A migration between the two, on paper."""
    instance_id = desk.add_instance("rm-readers", source)
    cluster = desk.add_cluster(target)
    return desk.add_migration(instance_id, cluster.id).cluster_id


def a_pair(desk: Desk, source: RunningServer, target: RunningServer) -> PositionPair:
    """Where both logs end now is kept as a pair."""
    ends = (str(current_position(each.server)) for each in (source, target))
    desk.tools.tasks.add_pair("dtspaper", (next(ends), ""), (next(ends), ""))
    return desk.tools.tasks.pairs("dtspaper")[-1]


@contextmanager
def accounts(*running: RunningServer) -> Iterator[list[Server]]:
    """An account for reading the log on each, and how it gets in."""
    for each in running:
        with closing(open_session(each.server)) as session:
            execute(session, "CREATE USER cdc@'%' IDENTIFIED BY 'reads'")
            execute(session, "GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO cdc@'%'")
    try:
        yield [Server(each.server.host, each.server.port, "cdc", "reads") for each in running]
    finally:
        for each in running:
            with closing(open_session(each.server)) as session:
                execute(session, "DROP USER cdc@'%'")


@contextmanager
def reading(server: Server) -> Iterator[None]:
    """Somebody who reads a server's log meanwhile."""
    stream = BinlogStream(server, current_position(server), server_id=4711 + len(server.user))
    thread = threading.Thread(target=read_on, args=(stream,))
    thread.start()
    try:
        yield
    finally:
        stream.close()
        thread.join()


def read_on(stream: Any) -> None:
    """Until somebody closes the stream."""
    with contextlib.suppress(Transient):
        for _ in stream:
            pass
