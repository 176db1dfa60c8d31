"""`sterna task`: the sync tasks behind migrations."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

import typer

from sterna.cli.client import connect
from sterna.cli.output import Json, print_facts, print_table, say, show
from sterna.cli.rate import metrics, rate, rate_facts, speed_of
from sterna.store.records import LogLine, SyncTask, TableProgress
from sterna.store.view_records import TablePage

app = typer.Typer(no_args_is_help=True, help="Sync tasks: copy, follow, verify.")
app.command()(rate)
app.command()(metrics)

SHOWN_MAX = 40  # tables, by `show`
URGENCY = ("copying", "indexing", "waiting", "copied")

State = StrEnum("State", ["all", "waiting", "copying", "copied", "different"])
Sort = StrEnum("Sort", ["name", "rows", "bytes", "percent", "eta", "verified", "differences"])


@app.command("show")
def show_task(
    task_id: Annotated[str, typer.Argument(metavar="TASK", help="Id of the sync task, dts…")],
    as_json: Json = False,
) -> None:
    """Show one sync task and the progress of its tables, those under way first."""
    task = connect().get(f"/tasks/{task_id}", SyncTask)
    show(task, as_json=as_json, human=lambda: _print(task))


@app.command("tables")
def list_tables(
    task_id: Annotated[str, typer.Argument(metavar="TASK", help="Id of the sync task, dts…")],
    state: Annotated[
        State, typer.Option(help="waiting, copying, copied or different.")
    ] = State.all,
    search: Annotated[str, typer.Option(help="Only names with this in them.")] = "",
    sort: Annotated[
        Sort, typer.Option(help="name, rows, bytes, percent, eta, verified or differences.")
    ] = Sort.name,
    descending: Annotated[bool, typer.Option("--descending", help="The most first.")] = False,
    offset: Annotated[int, typer.Option(min=0, help="Leave out so many.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Show so many.")] = 100,
    as_json: Json = False,
) -> None:
    """Show the tables of a sync task: how far each is copied, and what its verification found."""
    page = connect().get(
        f"/tasks/{task_id}/tables",
        TablePage,
        state=state.value,
        search=search,
        sort=sort.value,
        descending=descending,
        offset=offset,
        limit=limit,
    )
    show(page, as_json=as_json, human=lambda: _print_page(page))


@app.command("log")
def show_log(
    task_id: Annotated[str, typer.Argument(metavar="TASK", help="Id of the sync task, dts…")],
    warnings: Annotated[bool, typer.Option("--warnings", help="Only what needs a look.")] = False,
    as_json: Json = False,
) -> None:
    """Show what a sync task has met: DDL it ran, accounts it could not carry, why it stopped."""
    lines = connect().get(f"/tasks/{task_id}/log", list[LogLine], warnings=warnings)
    rows = ((f"{line.at:%Y-%m-%d %H:%M:%S}", line.level, line.sentence) for line in lines)
    columns = ("At", "Level", "What")
    show(lines, as_json=as_json, human=lambda: print_table(columns, rows, empty="Nothing yet."))


@app.command("resume")
def resume_task(
    task_id: Annotated[str, typer.Argument(metavar="TASK", help="Id of the sync task, dts…")],
    statement_applied: Annotated[
        bool | None,
        typer.Option(
            "--statement-applied/--statement-not-applied",
            help="Where it stopped at a DDL statement: go on behind it, or run it again.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Start a sync task that has stopped, once its cause is removed."""
    body = {"statement_applied": statement_applied}
    task = connect().post(f"/tasks/{task_id}/resume", SyncTask, body)
    show(task, as_json=as_json, human=lambda: say(f"{task_id} goes on."))


def _print(task: SyncTask) -> None:
    print_facts(
        {
            "Sync task": task.id,
            "Name": task.name,
            "Direction": task.direction,
            "Status": task.status,
            "Stage": task.stage,
            "Latency": None if task.lag_seconds is None else f"{task.lag_seconds:.3f} s",
            "Stalled because": task.stalled_because,
            "Speed now": speed_of(task.sample),
            "Position read": task.origin_position,
            "Position applied": task.applied_position,
            "Rows copied": f"{task.rows_copied:,} of about {task.rows_estimated:,}",
            "Bytes copied": f"{task.bytes_copied:,} of about {task.bytes_estimated:,}",
            "Copied in": None if not task.eta_seconds else f"about {task.eta_seconds:,.0f} s",
            "Rows verified": f"{task.rows_verified:,}, {task.differences} differ",
            "Verified": task.verified_at,
            "Rogue writers": task.rogue,
            "Error": task.error,
            "Remedy": task.remedy,
            **rate_facts(task),
        }
    )
    say("")
    urgent = sorted(task.tables, key=lambda each: (URGENCY.index(each.state), -each.rows_estimated))
    _print_tables(urgent[:SHOWN_MAX])
    if len(urgent) > SHOWN_MAX:
        more = len(urgent) - SHOWN_MAX
        say(f"… and {more:,} more. See all with: sterna task tables {task.id}")


def _print_page(page: TablePage) -> None:
    _print_tables(page.items)
    end = page.offset + len(page.items)
    if page.items and (page.offset or end < page.matching):
        say(f"{page.offset + 1:,} to {end:,} of {page.matching:,}; others with --offset, --limit")


def _print_tables(tables: Iterable[TableProgress]) -> None:
    columns = ("Table", "State", "%", "Rows", "Of about", "Bytes", "Of about", "Rows/s", "Left")
    more = ("Differences", "Verified")
    print_table((*columns, *more), map(_row, tables), empty="No tables.")


def _row(table: TableProgress) -> tuple[object, ...]:
    return (
        f"{table.database}.{table.table}",
        table.state,
        f"{table.percent:.1f}",
        f"{table.rows_copied:,}",
        f"{table.rows_estimated:,}",
        f"{table.bytes_copied:,}",
        f"{table.bytes_estimated:,}",
        f"{table.rows_per_second:,.0f}" if table.rows_per_second else None,
        None if table.eta_seconds is None else f"{table.eta_seconds:,.0f} s",
        table.differences if table.verified_at else None,
        table.verified_at,
    )
