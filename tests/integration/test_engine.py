"""The engine on its real database: durable steps, undo, the point of no return, kill -9."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from sterna.migration.status import Status
from sterna.store.database import now
from sterna.store.journal import Journal
from sterna.store.records import Migration
from sterna.store.repository import open_store
from tests.fixtures.servers import eventually

PLAY = Path(__file__).parent / "engine_play.py"


def make_migration(journal: Journal) -> None:
    """A migration that is synchronizing."""
    journal.add_migration(
        Migration(
            cluster_id="pc-1",
            instance_id="rm-1",
            status=Status.SYNCING,
            topology="RDS2POLARDB",
            source_mode="rw",
            cluster_mode="ro",
            method="logical",
            lag_seconds=None,
            stalled_because="",
            expires_at=now(),
            created_at=now(),
            task_id="dts-1",
            comment="",
            operation="",
            with_endpoints=False,
            switch_outage_ms=None,
            rollback_outage_ms=None,
        ),
        (),
    )


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home with a migration; whatever still plays in it is killed afterwards."""
    (tmp_path / "store").mkdir()
    yield from played_in(tmp_path)


@pytest.fixture
def small_home(tmp_path: Path) -> Iterator[Path]:
    """The same; the store is on a disk of a few megabytes."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a small disk")
    store = tmp_path / "store"
    store.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(store)], check=True)
    try:
        yield from played_in(tmp_path)
    finally:
        subprocess.run(["umount", "--lazy", str(store)], check=True)


def played_in(tmp_path: Path) -> Iterator[Path]:
    """A home whose folder for the store is there."""
    database, _ = open_store(f"sqlite:///{tmp_path}/store/sterna.db", tmp_path / "store/key")
    make_migration(Journal(database))
    database.close()
    players: list[subprocess.Popen[bytes]] = []
    (tmp_path / "players").mkdir()
    yield tmp_path
    for file in (tmp_path / "players").iterdir():
        try:
            os.kill(int(file.name), signal.SIGKILL)
        except ProcessLookupError:
            continue
    assert not players


def play(home: Path, *, begin: str = "") -> subprocess.Popen[bytes]:
    """A process with an engine; begins an operation when one is named."""
    player = subprocess.Popen([sys.executable, str(PLAY), str(home), begin])
    (home / "players" / str(player.pid)).touch()
    return player


def journal_of(home: Path) -> Journal:
    """The journal as an onlooker sees it."""
    database, _ = open_store(f"sqlite:///{home}/store/sterna.db", home / "store/key")
    return Journal(database)


def done_lines(home: Path) -> list[str]:
    """What the steps did, in order."""
    file = home / "done"
    return file.read_text().split() if file.exists() else []


def ended(journal: Journal) -> bool:
    """Nothing is under way any more."""
    return journal.migration("pc-1").operation == ""


def test_finished_operation_sets_its_status(home: Path) -> None:
    """An operation whose steps all work ends in its own status with every sentence kept."""
    player = play(home, begin="switch_over")
    journal = journal_of(home)
    eventually(lambda: done_lines(home) != [] and ended(journal), within_seconds=20)
    assert done_lines(home) == ["one", "two", "commit", "three"]
    assert journal.migration("pc-1").status == Status.REVERSED
    assert [entry.state for entry in journal.history("pc-1")] == ["done"] * 4 + ["finished"]
    player.kill()
    player.wait()


def test_failure_before_the_point_of_no_return_undoes_everything(home: Path) -> None:
    """A step that fails before the point of no return is undone, with all before it."""
    (home / "fail-two").touch()
    player = play(home, begin="switch_over")
    journal = journal_of(home)
    eventually(lambda: done_lines(home) != [] and ended(journal), within_seconds=20)
    assert done_lines(home) == ["one", "undo-two", "undo-one"]
    assert journal.migration("pc-1").status == Status.SYNCING
    assert "two would not" in journal.migration("pc-1").comment
    player.kill()
    player.wait()


def test_failure_after_the_point_of_no_return_is_tried_again(home: Path) -> None:
    """A step that fails after the point of no return is tried until it works; and so is that
    point's own, where it was kept and yet seemed to fail."""
    (home / "fail-three").touch()
    (home / "lie").touch()
    player = play(home, begin="switch_over")
    journal = journal_of(home)
    eventually(lambda: "trying again" in journal.migration("pc-1").comment, within_seconds=20)
    assert journal.migration("pc-1").status == Status.SWITCHING
    (home / "fail-three").unlink()
    eventually(lambda: ended(journal), within_seconds=20)
    assert done_lines(home)[-1] == "three"
    assert journal.migration("pc-1").status == Status.REVERSED
    player.kill()
    player.wait()


def test_another_world_after_the_point_of_no_return_stops_the_operation(home: Path) -> None:
    """Where it is not known any more who owns the writes nothing is tried again and undone."""
    (home / "meddle-three").touch()
    player = play(home, begin="switch_over")
    journal = journal_of(home)
    eventually(lambda: done_lines(home) != [] and ended(journal), within_seconds=20)
    assert done_lines(home) == ["one", "two", "commit"]
    migration = journal.migration("pc-1")
    assert (migration.status, migration.operation) == (Status.AMBIGUOUS, "")
    assert "three found another world" in migration.comment
    assert journal.history("pc-1")[-1].state == "ambiguous"
    player.kill()
    player.wait()


@pytest.mark.parametrize("where", ["one", "two", "commit", "three"])
def test_killed_engine_goes_on(home: Path, where: str) -> None:
    """After kill -9 in the middle of any step the next process finishes the operation."""
    (home / f"hang-{where}").touch()
    player = play(home, begin="switch_over")
    eventually(lambda: (home / f"{where}-begun").exists(), within_seconds=20)
    player.kill()
    player.wait()
    (home / f"hang-{where}").unlink()
    again = play(home)
    journal = journal_of(home)
    eventually(lambda: ended(journal), within_seconds=20)
    assert done_lines(home) == ["one", "two", "commit", "three"]
    assert journal.migration("pc-1").status == Status.REVERSED
    again.kill()
    again.wait()


def fill_disk(home: Path) -> Path:
    """Leave the store no room, not even in the files it has; the file that is in the way."""
    store = home / "store"
    with closing(sqlite3.connect(store / "sterna.db")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    filler = store / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    return filler


def test_on_a_full_disk_nobody_waits_for_the_store(small_home: Path) -> None:
    """Before the point of no return: whoever was made to wait goes on while the disk is full, then
    the operation has failed, with the reason; and the next one goes on where it was."""
    (small_home / "hang-two").touch()
    player = play(small_home, begin="switch_over")
    eventually(lambda: (small_home / "two-begun").exists(), within_seconds=20)
    filler = fill_disk(small_home)
    (small_home / "hang-two").unlink()
    eventually(lambda: "undo-one" in done_lines(small_home), within_seconds=20)
    assert "undo-two" not in done_lines(small_home), "nobody waits for that"
    journal = journal_of(small_home)
    assert not ended(journal)
    filler.unlink()
    eventually(lambda: ended(journal), within_seconds=20)
    migration = journal.migration("pc-1")
    assert migration.status == Status.SYNCING
    assert "The store cannot be written (database or disk is full)" in migration.comment
    assert done_lines(small_home)[-2:] == ["undo-two", "undo-one"]
    assert "commit" not in done_lines(small_home)
    player.kill()
    player.wait()


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_full_disk_ends_no_operation(small_home: Path, is_killed: bool) -> None:
    """After the point of no return the operation waits, killed meanwhile or not; then it goes on
    where it was."""
    (small_home / "hang-three").touch()
    player = play(small_home, begin="switch_over")
    eventually(lambda: (small_home / "three-begun").exists(), within_seconds=20)
    filler = fill_disk(small_home)
    (small_home / "hang-three").unlink()
    eventually(lambda: "three" in done_lines(small_home), within_seconds=20)
    journal = journal_of(small_home)
    assert not ended(journal)
    if is_killed:
        player.kill()
        player.wait()
    filler.unlink()
    if is_killed:
        player = play(small_home)
    eventually(lambda: ended(journal), within_seconds=30)
    assert journal.migration("pc-1").status == Status.REVERSED
    assert {*done_lines(small_home)} == {"one", "two", "commit", "three"}
    assert [entry.state for entry in journal.history("pc-1")] == [*["done"] * 4, "finished"]
    player.kill()
    player.wait()


def test_second_operation_is_refused_while_one_runs(home: Path) -> None:
    """Two operations on one migration never run at the same time."""
    (home / "hang-one").touch()
    player = play(home, begin="switch_over")
    eventually(lambda: (home / "one-begun").exists(), within_seconds=20)
    started = time.monotonic()
    second = play(home, begin="complete")
    assert second.wait(20) == 3
    assert time.monotonic() - started < 20
    player.kill()
    player.wait()
