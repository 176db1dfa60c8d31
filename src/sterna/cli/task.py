"""`sterna task`: the sync tasks behind migrations."""

from __future__ import annotations

from typing import Annotated

import typer

from sterna.cli.client import connect
from sterna.cli.output import Json, print_facts, print_table, say, show
from sterna.cli.rate import metrics, rate, rate_facts, speed_of
from sterna.store.records import LogLine, SyncTask, TableProgress

app = typer.Typer(no_args_is_help=True, help="Sync tasks: copy, follow, verify.")
app.command()(rate)
app.command()(metrics)


@app.command("show")
def show_task(
    task_id: Annotated[str, typer.Argument(metavar="TASK", help="Id of the sync task, dts…")],
    as_json: Json = False,
) -> None:
    """Show one sync task and the progress of its tables."""
    task = connect().get(f"/tasks/{task_id}", SyncTask)
    show(task, as_json=as_json, human=lambda: _print(task))


@app.command("log")
def show_log(
    task_id: Annotated[str, typer.Argument(metavar="TASK", help="Id of the sync task, dts…")],
    warnings: Annotated[bool, typer.Option("--warnings", help="Only what needs a look.")] = False,
    as_json: Json = False,
) -> None:
    """Show what a sync task has met: DDL it ran, accounts it could not carry, why it stopped."""
    asked = "?warnings=true" if warnings else ""
    lines = connect().get(f"/tasks/{task_id}/log{asked}", list[LogLine])
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
            "Bytes copied": f"{task.bytes_copied:,}",
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
    columns = ("Table", "Rows", "Bytes", "%", "Rows/s", "Left", "Copied", "Differences", "Verified")
    print_table(columns, map(_row, task.tables), empty="No tables yet.")


def _row(table: TableProgress) -> tuple[object, ...]:
    return (
        f"{table.database}.{table.table}",
        f"{table.rows_copied:,}",
        f"{table.bytes_copied:,}",
        f"{table.percent:.1f}",
        f"{table.rows_per_second:,.0f}",
        None if table.eta_seconds is None else f"{table.eta_seconds:,.0f} s",
        table.copied,
        table.differences,
        table.verified_at,
    )
