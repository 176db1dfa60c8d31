"""`sterna task rate`, `sterna task metrics`: how fast sync tasks may go, and how fast they go."""

from __future__ import annotations

from typing import Annotated

import typer

from sterna.cli.client import Client, connect
from sterna.cli.output import Json, print_facts, print_table, show
from sterna.store.records import Migration, SyncTask, TaskSample

TaskOrCluster = Annotated[
    str, typer.Argument(metavar="TASK|CLUSTER", help="Id of the sync task, dts…, or of the cluster")
]
SHOWN_SECONDS = 60.0


def _limit(what: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(metavar="N", help=f"{what}; 0 is no limit.")
    return option


def rate(
    task_id: TaskOrCluster,
    full_rows_per_second: Annotated[int | None, _limit("Rows of the full copy")] = None,
    full_bytes_per_second: Annotated[int | None, _limit("Bytes of the full copy")] = None,
    full_queries_per_second: Annotated[
        int | None, _limit("Statements on the source, of the copy and as many of the verification")
    ] = None,
    incremental_rows_per_second: Annotated[
        int | None, _limit("Row events of the incremental synchronization")
    ] = None,
    incremental_bytes_per_second: Annotated[
        int | None, _limit("Bytes of the binary log in the incremental synchronization")
    ] = None,
    verify_rows_per_second: Annotated[
        int | None, _limit("Rows of the source the verification reads")
    ] = None,
    back_off: Annotated[
        bool | None,
        typer.Option(
            "--back-off/--no-back-off",
            help="Slow copy and verification down while the source suffers, or never.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Limit a sync task while it runs; without options, show its limits.

    Limits are kept over restarts. A limited incremental synchronization falls behind when the
    source writes faster.
    """
    changes = {
        "full_rows_per_second": full_rows_per_second,
        "full_bytes_per_second": full_bytes_per_second,
        "full_queries_per_second": full_queries_per_second,
        "incremental_rows_per_second": incremental_rows_per_second,
        "incremental_bytes_per_second": incremental_bytes_per_second,
        "verify_rows_per_second": verify_rows_per_second,
        "back_off": back_off,
    }
    client = connect()
    path = f"/tasks/{_task_id(client, task_id)}"
    if all(value is None for value in changes.values()):
        task = client.get(path, SyncTask)
    else:
        task = client.patch(f"{path}/rate", SyncTask, changes)
    show(task, as_json=as_json, human=lambda: print_facts(rate_facts(task)))


def metrics(
    task_id: TaskOrCluster,
    seconds: Annotated[
        float, typer.Option(metavar="N", help="How far back; a day at most.")
    ] = SHOWN_SECONDS,
    as_json: Json = False,
) -> None:
    """Show what a sync task did in the last seconds."""
    client = connect()
    path = f"/tasks/{_task_id(client, task_id)}/metrics"
    samples = client.get(path, list[TaskSample], seconds=seconds)
    columns = (
        *("At", "Latency", "Trx/s", "Events/s", "Log B/s", "Trx/window", "Spool B"),
        *("Rows/s", "Bytes/s", "Verified/s", "Share", "Because"),
    )
    empty = "No samples: the sync task is not running, or has just begun."
    show(
        samples,
        as_json=as_json,
        human=lambda: print_table(columns, map(_row, samples), empty=empty),
    )


def rate_facts(task: SyncTask) -> dict[str, object]:
    """The limits in words."""
    rate = task.rate
    limits = {
        "Full copy": (
            (rate.full_rows_per_second, "rows/s"),
            (rate.full_bytes_per_second, "bytes/s"),
            (rate.full_queries_per_second, "queries/s"),
        ),
        "Incremental": (
            (rate.incremental_rows_per_second, "row events/s"),
            (rate.incremental_bytes_per_second, "bytes/s"),
        ),
        "Verification": ((rate.verify_rows_per_second, "rows/s"),),
    }
    facts: dict[str, object] = {
        name: ", ".join(f"{limit:,} {unit}" for limit, unit in given if limit) or "no limit"
        for name, given in limits.items()
    }
    facts["Slow down for the source"] = rate.back_off
    facts["Slowed down because"] = task.throttled_because
    return facts


def speed_of(sample: TaskSample | None) -> str:
    """What a task does just now, in a few words."""
    if sample is None:
        return ""
    speeds = {
        "rows/s copied": sample.rows_per_second,
        "rows/s verified": sample.rows_verified_per_second,
        "transactions/s": sample.transactions_per_second,
        "row events/s": sample.row_events_per_second,
        "bytes/s of the log": sample.stream_bytes_per_second,
    }
    words = [f"{speed:,.0f} {unit}" for unit, speed in speeds.items() if speed >= 1]
    return ", ".join([*words, f"{sample.spool_bytes:,} bytes spooled"])


def _row(sample: TaskSample) -> tuple[object, ...]:
    lag = sample.lag_seconds
    return (
        f"{sample.at:%H:%M:%S}",
        None if lag is None else f"{lag:.3f} s",
        f"{sample.transactions_per_second:,.0f}",
        f"{sample.row_events_per_second:,.0f}",
        f"{sample.stream_bytes_per_second:,.0f}",
        f"{sample.window_transactions:,.1f}",
        f"{sample.spool_bytes:,}",
        f"{sample.rows_per_second:,.0f}",
        f"{sample.bytes_per_second:,.0f}",
        f"{sample.rows_verified_per_second:,.0f}",
        f"{sample.share:.0%}",
        sample.stalled_because or sample.throttled_because,
    )


def _task_id(client: Client, given: str) -> str:
    """A cluster's id stands for the sync task behind its migration."""
    if not given.startswith("pc-"):
        return given
    return client.get(f"/migrations/{given}", Migration).task_id
