"""The store on a real database file."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sterna.errors import Refused, SternaError
from sterna.migration.status import Action, Status
from sterna.store.database import now
from sterna.store.journal import Journal
from sterna.store.records import Instance
from sterna.store.repository import open_store
from sterna.store.tasks import Tasks
from tests.fixtures.pretend_service import EVALUATION, MIGRATION

INSTANCE = Instance(
    id="rm-1",
    description="shop",
    host="127.0.0.1",
    port=3306,
    user="root",
    version="5.7.29",
    tls="Preferred",
    status="Running",
    created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
)


def test_records_come_back_as_they_were(tmp_path: Path) -> None:
    """A record read from the store equals the one written, time zone included."""
    database, inventory = open_store(f"sqlite:///{tmp_path}/s.db", tmp_path / "key")
    inventory.add_instance(INSTANCE, "geheim")
    assert inventory.instance("rm-1") == INSTANCE
    assert inventory.instance_password("rm-1") == "geheim"
    database.close()


def test_what_belongs_together_is_kept_together(tmp_path: Path) -> None:
    """Broken off in the middle, nothing of it is there; what is written within is seen within."""
    database, inventory = open_store(f"sqlite:///{tmp_path}/s.db", tmp_path / "key")
    tasks = Tasks(database)
    with pytest.raises(SternaError), inventory.at_once():
        inventory.add_instance(INSTANCE, "geheim")
        tasks.add("dts1", "one")
        assert inventory.instance("rm-1") == INSTANCE
        raise SternaError("the disk is gone")
    assert inventory.instances() == []
    with inventory.at_once():
        inventory.add_instance(INSTANCE, "geheim")
        tasks.add("dts1", "one")
    assert (inventory.instance("rm-1"), tasks.task("dts1").name) == (INSTANCE, "one")
    database.close()


def test_reports_are_gone_after_their_days(tmp_path: Path) -> None:
    """A report past its date is shown no more, and then deleted; the others stay."""
    database, _ = open_store(f"sqlite:///{tmp_path}/s.db", tmp_path / "key")
    journal, path = Journal(database), tmp_path / "s.db"
    ends = now() + timedelta(days=7)
    journal.add_evaluation(replace(EVALUATION, id="ev-1", expires_at=ends))
    journal.add_evaluation(replace(EVALUATION, id="ev-2", expires_at=ends + timedelta(seconds=1)))
    assert [report.id for report in journal.evaluations("rm-1")] == ["ev-1", "ev-2"]
    for moment, left in ((ends - timedelta(seconds=1), 2), (ends, 1), (ends, 1)):
        journal.drop_evaluations(moment)
        with sqlite3.connect(path) as raw:
            assert raw.execute("SELECT COUNT(*) FROM evaluations").fetchone() == (left,)
        raw.close()
    database.close()


def test_passwords_are_not_in_the_file(tmp_path: Path) -> None:
    """Whoever reads the database file without the key learns no password."""
    database, inventory = open_store(f"sqlite:///{tmp_path}/s.db", tmp_path / "key")
    inventory.add_instance(INSTANCE, "geheim")
    inventory.decide_account("rm-1", "'app'@'%'", "streng")
    database.close()
    for file in tmp_path.glob("s.db*"):
        content = file.read_bytes()
        assert b"geheim" not in content
        assert b"streng" not in content
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_another_key_is_named(tmp_path: Path) -> None:
    """A key that was lost and made anew opens nothing, and whoever asks is told what is wrong."""
    database, inventory = open_store(f"sqlite:///{tmp_path}/s.db", tmp_path / "key")
    inventory.add_instance(INSTANCE, "geheim")
    database.close()
    database, inventory = open_store(f"sqlite:///{tmp_path}/s.db", tmp_path / "other key")
    with pytest.raises(SternaError) as error:
        inventory.instance_password("rm-1")
    assert error.value.code == "WrongKey"
    database.close()


def test_an_operation_begins_only_where_it_is_allowed(tmp_path: Path) -> None:
    """What was allowed a moment ago is looked at again by the row that begins it."""
    database, _ = open_store(f"sqlite:///{tmp_path}/s.db", tmp_path / "key")
    journal = Journal(database)
    journal.add_migration(MIGRATION, ())
    for status, action in ((Status.AMBIGUOUS, Action.SWITCH_OVER), (Status.SYNCING, "complete")):
        journal.change_migration("pc-1", status=status)
        with pytest.raises(Refused) as refused:
            journal.begin("pc-1", action, {}, Status.SWITCHING)
        assert refused.value.code == "OperationUnderWay"
        assert journal.migration("pc-1").status == status
    assert journal.begin("pc-1", "cancel", {}, Status.CLOSING).state == "started"
    database.close()


def test_unknown_id_is_refused(tmp_path: Path) -> None:
    """Asking for what is not there says how to find what is."""
    database, inventory = open_store(f"sqlite:///{tmp_path}/s.db", tmp_path / "key")
    with pytest.raises(Refused) as refused:
        inventory.instance("rm-9")
    assert refused.value.code == "NotFound"
    assert "sterna instance list" in refused.value.remedy
    database.close()


def test_epochs_only_rise(tmp_path: Path) -> None:
    """Every start of a task's process gets a fencing epoch above all before."""
    database, _ = open_store(f"sqlite:///{tmp_path}/s.db", tmp_path / "key")
    tasks = Tasks(database)
    tasks.add("dts-1", "one")
    assert [tasks.next_epoch("dts-1") for _ in range(3)] == [1, 2, 3]
    database.close()


def test_old_lag_is_no_lag(tmp_path: Path) -> None:
    """A lag that was reported long ago is shown as unknown, with the reason."""
    database, _ = open_store(f"sqlite:///{tmp_path}/s.db", tmp_path / "key")
    tasks = Tasks(database)
    tasks.add("dts-1", "one")
    tasks.change("dts-1", stage="incremental", wanted=True, lag_seconds=0.5, lag_at=now())
    assert tasks.task("dts-1").lag_seconds == 0.5
    tasks.change("dts-1", lag_at=INSTANCE.created_at)
    assert tasks.task("dts-1").lag_seconds is None
    assert "silent" in tasks.task("dts-1").stalled_because
    database.close()


def test_database_is_in_wal_mode_with_full_durability(tmp_path: Path) -> None:
    """The point of no return survives a power cut."""
    database, _ = open_store(f"sqlite:///{tmp_path}/s.db", tmp_path / "key")
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    database.close()
    with sqlite3.connect(tmp_path / "s.db") as file:
        assert file.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    file.close()
