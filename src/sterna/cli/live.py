"""What a migration looks like while it moves, and how a command waits for an operation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sterna.cli.client import Client
from sterna.cli.output import notes
from sterna.errors import SternaError
from sterna.store.records import HistoryEntry, Migration, SyncTask, TableProgress

TABLES_SHOWN = 12
HISTORY_SHOWN = 8
BAR_COLUMNS = 30
MOVING = ("copying", "indexing")

Viewer = Callable[[Migration], None]


def wait_for_operation(client: Client, cluster_id: str, *, quiet: bool) -> Migration:
    """Show the migration until its operation is over; the migration as it is then.

    A server that dies meanwhile is waited for: whoever starts it again, it goes on there.

    Raises SternaError "OperationFailed" when the operation did not finish.
    """
    with shown(quiet=quiet) as view:
        for migration in client.watch(cluster_id, was_there=True):
            view(migration)
            if not migration.operation:
                break
    _check_finished(migration)
    return migration


@contextmanager
def shown(*, quiet: bool) -> Iterator[Viewer]:
    """A function that shows a migration: a picture on a terminal, lines of history elsewhere."""
    console = notes()
    if quiet:
        yield lambda migration: None
    elif console.is_terminal:
        with Live(console=console, refresh_per_second=4) as live:
            yield lambda migration: live.update(picture(migration))
    else:
        yield _Lines(console)


def picture(migration: Migration) -> RenderableType:
    """Status, latency, who may write, the copy's bars, and the newest history."""
    parts: list[RenderableType] = [_facts(migration)]
    if migration.task and migration.task.stage != "incremental":
        parts += ["", _bars(migration.task)]
    if migration.history:
        parts += ["", *(Text(line_of(entry)) for entry in migration.history[-HISTORY_SHOWN:])]
    return Group(*parts)


def latency_of(migration: Migration) -> str:
    """The replication latency in words: seconds, stalled and why, or not known yet."""
    if migration.stalled_because:
        return f"stalled: {migration.stalled_because}"
    if migration.lag_seconds is None:
        return "not known yet"
    return f"{migration.lag_seconds:.3f} s"


def line_of(entry: HistoryEntry) -> str:
    """One line of history; the end of an operation names itself in its sentence."""
    if entry.step == "operation":
        return f"{entry.at:%H:%M:%S}  {entry.sentence}"
    mark = "" if entry.state in ("done", "finished") else f" [{entry.state}]"
    return f"{entry.at:%H:%M:%S}  {entry.title}{mark}: {entry.sentence}"


def _facts(migration: Migration) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_row("Migration", f"{migration.instance_id} → {migration.cluster_id}")
    grid.add_row("Status", migration.status)
    grid.add_row("Under way", migration.operation or "-")
    grid.add_row("Latency", Text(latency_of(migration)))
    if migration.task and migration.task.throttled_because:
        grid.add_row("Slowed down", Text(migration.task.throttled_because))
    grid.add_row("Source", migration.source_mode)
    grid.add_row("Cluster", migration.cluster_mode)
    if migration.comment:
        grid.add_row("Message", Text(migration.comment, "red"))
    return grid


def _bars(task: SyncTask) -> Table:
    """A bar for each table that is being copied, and one for all of them."""
    grid = Table.grid(padding=(0, 2))
    moving = [table for table in task.tables if table.state in MOVING][:TABLES_SHOWN]
    for table in moving:
        _add_table(grid, table)
    share = 100 * task.rows_copied / max(task.rows_estimated, task.rows_copied, 1)
    done = sum(table.state == "copied" for table in task.tables)
    name = f"{done} of {len(task.tables)} tables"
    _add_bar(grid, name, percent=share, rows=task.rows_copied, eta_seconds=task.eta_seconds)
    return grid


def _add_table(grid: Table, table: TableProgress) -> None:
    _add_bar(
        grid,
        f"{table.database}.{table.table}",
        percent=table.percent,
        rows=table.rows_copied,
        eta_seconds=table.eta_seconds,
    )


def _add_bar(
    grid: Table, name: str, *, percent: float, rows: int, eta_seconds: float | None
) -> None:
    bar = ProgressBar(total=100, completed=percent, width=BAR_COLUMNS)
    left = "" if eta_seconds is None else f"{eta_seconds:,.0f} s left"
    grid.add_row(Text(name), bar, f"{percent:5.1f} %", f"{rows:,} rows", left)


def _check_finished(migration: Migration) -> None:
    ends = [entry for entry in migration.history if entry.step == "operation"]
    last = max(ends, key=lambda entry: entry.at, default=None)
    if last is None or last.state == "finished":
        return
    raise SternaError(
        last.sentence or migration.comment,
        code="OperationFailed",
        remedy=f"See every step with: sterna migration show {migration.cluster_id}",
    )


class _Lines:
    """Prints each history entry once, as a line: for logs and pipes.

    What earlier operations did is left out; `sterna migration show` has it.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._printed: int | None = None

    def __call__(self, migration: Migration) -> None:
        if self._printed is None:
            self._printed = _beginning(migration)
        for entry in migration.history[self._printed :]:
            self._console.print(Text(line_of(entry)))
        self._printed = len(migration.history)


def _beginning(migration: Migration) -> int:
    """Where in the history the operation under way, or else the newest one, began."""
    ends = [place for place, entry in enumerate(migration.history) if entry.step == "operation"]
    earlier = ends if migration.operation else ends[:-1]
    return earlier[-1] + 1 if earlier else 0
