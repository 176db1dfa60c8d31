"""A process with an engine and a small story, for test_engine: argv = home, operation."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.exc import OperationalError

from sterna.errors import Ambiguous, Refused, SternaError
from sterna.migration.status import Status
from sterna.store.journal import Journal
from sterna.store.repository import open_store
from sterna.workflow.engine import STORY, Engine, Run, Step, operation, step

HOME = Path(sys.argv[1])
STORE = HOME / "store"


@dataclass
class Tools:
    """All the engine needs."""

    journal: Journal


def act(word: str) -> Callable[[Run], str]:
    """A step's doing: writes its word, or hangs or fails while a file says so."""

    def do(run: Run) -> str:
        """Do it"""
        (HOME / f"{word}-begun").touch()
        while (HOME / f"hang-{word}").exists():
            time.sleep(0.01)
        if (HOME / f"fail-{word}").exists():
            raise SternaError(f"{word} would not.")
        if (HOME / f"meddle-{word}").exists():
            raise Ambiguous(f"{word} found another world.")
        if word == "commit":
            run.tools.journal.commit(run.id)
            if (HOME / "lie").exists():
                (HOME / "lie").unlink()
                raise OperationalError("COMMIT", {}, sqlite3.OperationalError("disk I/O error"))
        with (HOME / "done").open("a") as done:
            done.write(f"{word}\n")
        return f"{word} is done"

    do.__name__ = word
    return do


def with_undo(word: str) -> Step:
    """A step with an undo; while the first one is not undone, somebody waits."""
    return step(undo=act(f"undo-{word}"), detains=word == "one")(act(word))


def without_undo(word: str) -> Step:
    """A step without one."""
    return step(no_undo_because="nothing to undo")(act(word))


ONE, TWO, COMMIT, THREE = (
    with_undo("one"),
    with_undo("two"),
    without_undo("commit"),
    without_undo("three"),
)


@operation(busy=Status.SWITCHING, done=Status.REVERSED)
def switch_over(run: Run) -> None:
    """A small switch."""
    run(ONE)
    run(TWO)
    run.point_of_no_return(COMMIT)
    run(THREE)


@operation(busy=Status.CLOSING, done=Status.CLOSED)
def complete(run: Run) -> None:
    """A small end."""
    run(ONE)


def main() -> None:
    """Begin what is asked for and play until killed."""
    database, _ = open_store(f"sqlite:///{STORE}/sterna.db", STORE / "key")
    tools = Tools(Journal(database))
    if not sys.argv[2]:
        engine = Engine(database_url=f"sqlite:///{STORE}/sterna.db", tools=tools)
        engine.launch()
    else:
        try:
            row = tools.journal.begin("pc-1", sys.argv[2], {}, STORY[sys.argv[2]].busy)
        except Refused:
            sys.exit(3)
        engine = Engine(database_url=f"sqlite:///{STORE}/sterna.db", tools=tools)
        engine.launch()
        engine.enqueue(row.id)
    while True:
        time.sleep(1)


main()
