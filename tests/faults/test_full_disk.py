"""The disk below Sterna's home is full, at any moment of a switch: nobody waits for room."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from sqlalchemy.exc import SQLAlchemyError

from sterna.migration.status import Status
from sterna.mysql.connection import execute, open_session, scalar
from sterna.workflow import live_guards
from sterna.workflow.engine import Run, outline
from sterna.workflow.watch import Watch
from tests.faults.cast import BY_ITSELF, Cast, PlainRun, open_cast
from tests.faults.victims import Owners
from tests.fixtures.running import eventually

STEPS = [each.name for each in outline("switch_over", {"with_endpoints": True})]


@contextmanager
def small_disks(home: Path) -> Iterator[None]:
    """The home, and the spool in it, on disks of their own; the clusters on a large one."""
    clusters = home.with_name("clusters")
    clusters.mkdir()
    mounts = (
        (home, "-t", "tmpfs", "-o", "size=8g", "tmpfs"),
        (home / "spool", "-t", "tmpfs", "-o", "size=8m", "tmpfs"),
        (home / "clusters", "--bind", str(clusters)),
    )
    for folder, *options in mounts:
        folder.mkdir(exist_ok=True)
        subprocess.run(["mount", *options, str(folder)], check=True)
    try:
        yield
    finally:
        for folder, *_ in reversed(mounts):
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def shrink(home: Path) -> None:
    """An upgrade wants more room than a test fills."""
    subprocess.run(["mount", "-o", "remount,size=48m", str(home)], check=True)


@pytest.fixture(scope="module")
def cast() -> Iterator[Cast]:
    """A migration in sync, watched over, whose home has little room."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a small disk")
    with pytest.MonkeyPatch.context() as patch, open_cast(furnish=small_disks) as cast:
        patch.setattr(live_guards, "FREE_BYTES_MIN", 0)
        shrink(cast.tools.settings.home)
        cast.engine.times, cast.engine.fail = 1, BY_ITSELF
        watch = Watch(cast.tools, cast.service.expire)
        watch.start()
        yield cast
        watch.stop()


class FullDisk(threading.Thread):
    """No room at a step, until that has been noticed and looked at.

    Attributes:
        held: the endpoints that were held while there was no room, after it had been noticed.
        closed: whether the side with the writes took none then.
        over: there is no room until this is set.
    """

    def __init__(self, cast: Cast, step: str, patch: pytest.MonkeyPatch) -> None:
        super().__init__(daemon=True)
        self.over = threading.Event()
        self.over.set()
        self.held: frozenset[str] = frozenset(["nobody looked"])
        self.closed = True
        self._cast, self._step = cast, step
        self._noticed = threading.Event()
        self._home = cast.tools.settings.home

        def let_go(run: PlainRun, error: SQLAlchemyError) -> None:
            Run.let_go(run, error)
            self._noticed.set()

        patch.setattr(PlainRun, "let_go", let_go)
        patch.setattr(cast.engine, "before_step", self._fill)

    def _fill(self, number: int) -> None:
        if STEPS[number] == self._step and not self.is_alive():
            fill(self._home)
            self.start()

    def run(self) -> None:
        """Look once it has been noticed, then make room."""
        assert self._noticed.wait(60)
        self.held = self._cast.tools.proxy.held()
        self.closed = is_closed(self._cast)
        self.over.wait(60)
        (self._home / "filler").unlink()


def fill(folder: Path) -> None:
    """Leave no room, not even in the files there are."""
    if (folder / "sterna.db").exists():
        with closing(sqlite3.connect(folder / "sterna.db")) as store:
            store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with (folder / "filler").open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass


def is_closed(cast: Cast) -> bool:
    """Whether the side that has the writes, as far as is known, takes none."""
    migration = cast.tools.journal.migration(cast.cluster_id)
    side = cast.tools.source if migration.source_mode == "rw" else cast.tools.cluster
    with open_session(side(cast.cluster_id).server) as session:
        return bool(scalar(session, "SELECT @@GLOBAL.read_only"))


@contextmanager
def one_owner(cast: Cast) -> Iterator[None]:
    """Never do both sides take writes meanwhile; afterwards a write arrives at both."""
    tools = cast.tools
    cast.wait_until_ready()
    sides = (tools.source(cast.cluster_id).server, tools.cluster(cast.cluster_id).server)
    with Owners(*sides) as owners:
        yield
    assert owners.both_seconds == 0
    value = max(cast.count()) + 1
    cast.write(value)
    eventually(lambda: cast.count() == (value, value), within_seconds=60)


def test_nobody_is_held_for_a_full_disk(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Full in the hold of a switchover: at once applications go on where they were, while there is
    no room yet; with room all is as it was before, with the reason, and can be tried again."""
    for step in ("block_leaving_side", "stop_following", "commit"):
        with one_owner(cast):
            before = cast.world()
            disk = FullDisk(cast, step, monkeypatch)
            cast.service.switch_over(cast.cluster_id, with_endpoints=True)
            disk.join()
            assert "(database or disk is full)" in cast.engine.error, step
            assert (disk.held, disk.closed) == (frozenset(), False), step
            eventually(lambda b=before: cast.world() == b)


def test_the_stream_outlives_a_full_store(cast: Cast) -> None:
    """What a sync task has to say cannot be kept for a while: with room it goes on by itself."""
    task_id = cast.service.migration(cast.cluster_id).task_id
    with one_owner(cast):
        before = cast.tools.supervisor.pid(task_id)
        assert before
        fill(cast.tools.settings.home)
        eventually(lambda: not psutil.pid_exists(before), within_seconds=30)
        (cast.tools.settings.home / "filler").unlink()


def test_a_full_spool_ends_the_hold(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Full where the last changes are to be spooled: nobody is held for what has stopped; with room
    the sync task is resumed, and nothing is missing."""
    spool = cast.tools.settings.home / "spool"
    with one_owner(cast):

        def fill_spool(number: int) -> None:
            if STEPS[number] == "block_leaving_side":
                fill(spool)
                with open_session(cast.source.server) as session:
                    execute(session, "CREATE TABLE shop.wide (v LONGTEXT)")
                    execute(session, "INSERT INTO shop.wide VALUES (REPEAT('x', 100000))")

        monkeypatch.setattr(cast.engine, "before_step", fill_spool)
        cast.service.switch_over(cast.cluster_id, with_endpoints=True)
        assert "The spool cannot be written: No space left on device" in cast.engine.error
        assert "Make room on the disk of the spool, then resume the sync task" in cast.engine.error
        assert (cast.tools.proxy.held(), is_closed(cast)) == (frozenset(), False)
        (spool / "filler").unlink()
        cast.service.resume_task(cast.service.migration(cast.cluster_id).task_id)
        cast.wait_until_ready()
        with open_session(cast.tools.cluster(cast.cluster_id).server) as session:
            assert scalar(session, "SELECT SUM(LENGTH(v)) FROM shop.wide") == 100000


def test_past_the_point_of_no_return(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Full in the second half of a switchover and of a rollback: each is finished while there is no
    room; in the first half of a rollback it is undone. Never do two sides take writes."""
    played = (
        ("switch_over", "open_arriving_side", Status.REVERSED),
        ("roll_back", "cut_sessions", Status.REVERSED),
        ("roll_back", "exchange_endpoints", Status.SYNCING),
    )
    for operation, step, status in played:
        with one_owner(cast):
            disk = FullDisk(cast, step, monkeypatch)
            if step != "cut_sessions":
                disk.over.clear()
            if operation == "switch_over":
                cast.service.switch_over(cast.cluster_id, with_endpoints=True)
            else:
                cast.service.roll_back(cast.cluster_id)
            assert disk.is_alive() or step == "cut_sessions", "it has waited for room"
            disk.over.set()
            disk.join()
            migration = cast.service.migration(cast.cluster_id)
            assert (migration.status, migration.operation) == (status, ""), step
            assert bool(cast.engine.error) == (step == "cut_sessions")
            eventually(lambda: cast.tools.proxy.held() == frozenset())
