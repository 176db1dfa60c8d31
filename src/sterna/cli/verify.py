"""`sterna verify`: compare both sides row by row, watch it, see what differs, repair it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sterna.cli.ask import Yes, confirm
from sterna.cli.client import Client, connect
from sterna.cli.migration import ClusterId
from sterna.cli.output import Json, notes, print_table, say, show
from sterna.errors import SternaError
from sterna.store.records import Difference, DifferencePage, SyncTask, TableProgress, Verification

POLL_SECONDS = 0.5
BAR_COLUMNS = 30
SHOWN_MAX = 100
ENDED = ("clean", "different", "failed")
DIFFERENT = 1  # the exit code when both sides are not alike


@dataclass(frozen=True)
class Result:
    """A pass that has ended, its tables, and the first of the differences."""

    verification: Verification
    tables: tuple[TableProgress, ...]
    differences: DifferencePage


def verify(
    cluster_id: ClusterId,
    table: Annotated[
        list[str] | None,
        typer.Option(metavar="DB.TABLE", help="Only this table; may be repeated."),
    ] = None,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair", help="Make rows that differ like those on the side that has the writes."
        ),
    ] = False,
    values: Annotated[
        bool, typer.Option("--values", help="Keep and show the values of rows that differ.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show what differed last, so would be repaired; no more."),
    ] = False,
    yes: Yes = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Show the progress, then what was found.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compare both sides row by row, in the background.

    With --wait (or --dry-run) the exit code is 0 when both sides are alike and 1 when they differ.
    """
    client = connect()
    tables = tuple(table or ())
    if dry_run:
        page = _differences(client, cluster_id, tables)
        show(page, as_json=as_json, human=lambda: _print_differences(page))
        raise typer.Exit(DIFFERENT if page.total else 0)
    if repair:
        _confirm_repair(client, cluster_id, tables, yes=yes, quiet=as_json)
    order = {"tables": tables, "repair": repair, "values": values}
    begun = client.post(f"/migrations/{cluster_id}/verify", Verification, order)
    if not wait:
        sentence = f"Comparing. See the result with: sterna task show {begun.task_id}"
        show(begun, as_json=as_json, human=lambda: say(sentence))
        return
    ended = _wait_for(client, cluster_id, begun, quiet=as_json)
    result = Result(
        ended,
        _tables(client, ended),
        _differences(client, cluster_id, tables),
    )
    show(result, as_json=as_json, human=lambda: _print(result))
    raise typer.Exit(DIFFERENT if ended.state == "different" else 0)


def _tables(client: Client, ended: Verification) -> tuple[TableProgress, ...]:
    """Those that were asked for, or all."""
    found = client.get(f"/tasks/{ended.task_id}", SyncTask).tables
    names = set(ended.tables)
    return tuple(each for each in found if not names or _name(each) in names)


def _confirm_repair(
    client: Client, cluster_id: str, tables: tuple[str, ...], *, yes: bool, quiet: bool
) -> None:
    if not quiet:
        say("What differed when it was compared last:")
        _print_differences(_differences(client, cluster_id, tables))
        say("")
    where = ", ".join(tables) if tables else "every table"
    question = (
        f"Compare {where} of {cluster_id} again and overwrite all rows that differ on the side"
        " that follows?"
    )
    confirm(question, yes=yes)


def _differences(client: Client, cluster_id: str, tables: tuple[str, ...]) -> DifferencePage:
    path = f"/migrations/{cluster_id}/differences"
    return client.get(path, DifferencePage, limit=SHOWN_MAX, table=list(tables))


def _wait_for(client: Client, cluster_id: str, begun: Verification, *, quiet: bool) -> Verification:
    """The pass as it is when it has ended; raises SternaError VerificationFailed."""
    console = notes()
    direction = client.get(f"/tasks/{begun.task_id}", SyncTask).direction
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        while True:
            now = _pass(client, cluster_id, begun.id)
            if not quiet and console.is_terminal:
                live.update(_picture(now))
            if now.state in ENDED:
                break
            _check_task(client, now, direction)
            time.sleep(POLL_SECONDS)
    if now.state == "failed":
        raise _failed(now, now.problem)
    return now


def _pass(client: Client, cluster_id: str, pass_id: str) -> Verification:
    passes = client.get(f"/migrations/{cluster_id}/verifications", list[Verification])
    return next(each for each in passes if each.id == pass_id)


def _check_task(client: Client, verification: Verification, direction: str) -> None:
    """Nobody works on the pass any more when its task has stopped or turned around."""
    task = client.get(f"/tasks/{verification.task_id}", SyncTask)
    if task.direction != direction:
        raise _failed(verification, "The writes have moved to the other side.")
    if task.status == "Failed":
        raise _failed(verification, f"The sync task has stopped: {task.error}")


def _failed(verification: Verification, problem: str) -> SternaError:
    return SternaError(
        f"The verification did not end: {problem}",
        code="VerificationFailed",
        remedy=f"Remove the cause, see: sterna task show {verification.task_id}; verify again.",
    )


def _picture(verification: Verification) -> RenderableType:
    percent = 100 * verification.rows_verified / max(verification.rows_estimated, 1)
    left = verification.eta_seconds
    grid = Table.grid(padding=(0, 2))
    grid.add_row(
        Text(verification.table or verification.state),
        ProgressBar(total=100, completed=percent, width=BAR_COLUMNS),
        f"{percent:5.1f} %",
        f"{verification.rows_verified:,} rows, {verification.rows_per_second:,.0f}/s",
        "" if left is None else f"{left:,.0f} s left",
    )
    return grid


def _print(result: Result) -> None:
    ended = result.verification
    columns = ("Table", "Rows compared", "Differences", "Last clean")
    tables = sorted(result.tables, key=lambda table: -table.differences)
    print_table(columns, map(_table_row, tables[:SHOWN_MAX]), empty="No tables.")
    if len(tables) > SHOWN_MAX:
        say(f"… and {len(tables) - SHOWN_MAX:,} more: sterna task tables {ended.task_id}")
    repaired = f", {ended.repaired:,} repaired" if ended.repaired else ""
    say(
        f"\n{ended.rows_verified:,} rows in {ended.seconds:.1f} s"
        f" ({ended.rows_per_second:,.0f} rows/s): {_count(ended.differences)}{repaired}."
    )
    if result.differences.total:
        say("")
        _print_differences(result.differences)
    if ended.repair and ended.differences:
        say(f"Why they were not repaired: sterna task log {ended.task_id} --warnings")


def _count(differences: int) -> str:
    return f"{differences:,} difference{'' if differences == 1 else 's'}"


def _name(table: TableProgress) -> str:
    return f"{table.database}.{table.table}"


def _table_row(table: TableProgress) -> tuple[object, ...]:
    return _name(table), f"{table.rows_verified:,}", table.differences, table.last_clean_at


def _print_differences(page: DifferencePage) -> None:
    columns = ("Table", "Row", "Kind", "Columns", "Has the writes", "Follows")
    print_table(columns, map(_row, page.items), empty="No differences are known.")
    if page.total > len(page.items):
        say(f"… and {page.total - len(page.items):,} more are kept.")


def _row(difference: Difference) -> tuple[object, ...]:
    return (
        f"{difference.database}.{difference.table}",
        _what(difference),
        difference.kind,
        difference.columns,
        _values(difference.origin_values),
        _values(difference.destination_values),
    )


def _what(difference: Difference) -> str:
    """The row; the whole sentence where there is no single row to name."""
    if difference.key and difference.kind != "count":
        return difference.key
    return difference.sentence.removeprefix(f"{difference.database}.{difference.table}: ")


def _values(values: dict[str, str | None]) -> str:
    return ", ".join(
        f"{name} = {'NULL' if value is None else value}" for name, value in values.items()
    )
