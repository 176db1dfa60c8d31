"""`sterna migration`: look at migrations."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from sterna.cli.client import connect
from sterna.cli.live import latency_of, line_of, shown
from sterna.cli.output import Json, print_facts, print_table, say, show
from sterna.store.records import Migration

app = typer.Typer(no_args_is_help=True, help="Instances on their way to a cluster.")

ClusterId = Annotated[str, typer.Argument(metavar="CLUSTER", help="Id of the cluster, pc-…")]

ENDED = "NO_MIGRATION"


@app.command("list")
def list_migrations(as_json: Json = False) -> None:
    """List all migrations."""
    migrations = connect().get("/migrations", list[Migration])
    columns = ("Cluster", "Instance", "Status", "Latency", "Source", "Cluster side", "Until")
    empty = "No migrations. Start one with: sterna upgrade INSTANCE --version V"
    rows = map(_row, migrations)
    show(migrations, as_json=as_json, human=lambda: print_table(columns, rows, empty=empty))


@app.command("show")
def show_migration(cluster_id: ClusterId, as_json: Json = False) -> None:
    """Show one migration and everything that happened to it."""
    migration = connect().get(f"/migrations/{cluster_id}", Migration)
    show(migration, as_json=as_json, human=lambda: _print(migration))


@app.command()
def watch(cluster_id: ClusterId, as_json: Json = False) -> None:
    """Show a migration as it changes, until it has ended or Ctrl-C is pressed.

    With --json each change is one JSON document on a line of its own.
    """
    client = connect()
    with shown(quiet=as_json) as view:
        for migration in client.watch(cluster_id):
            view(migration)
            if as_json:
                show(migration, as_json=True, human=lambda: None)
            if migration.status == ENDED and not migration.operation:
                return


def _row(migration: Migration) -> tuple[object, ...]:
    return (
        migration.cluster_id,
        migration.instance_id,
        migration.status,
        latency_of(migration),
        migration.source_mode,
        migration.cluster_mode,
        f"{migration.expires_at:%Y-%m-%d}",
    )


def _print(migration: Migration) -> None:
    print_facts(_facts(migration))
    if migration.history:
        say("")
    for entry in migration.history:
        say(line_of(entry))


def _date_of(migration: Migration) -> str:
    """When the migration ends by itself, and how many days are left."""
    left = migration.expires_at - datetime.now(UTC)
    date = f"{migration.expires_at:%Y-%m-%d %H:%M} UTC"
    is_counted = migration.status != ENDED and left.days >= 0
    return f"{date} ({left.days} days left)" if is_counted else date


def _facts(migration: Migration) -> dict[str, object]:
    facts: dict[str, object] = {
        "Cluster": migration.cluster_id,
        "Instance": migration.instance_id,
        "Status": migration.status,
        "Under way": migration.operation,
        "Method": migration.method,
        "Latency": latency_of(migration),
        "Source": migration.source_mode,
        "Cluster side": migration.cluster_mode,
        "Endpoints exchanged": migration.with_endpoints,
        "Rollback ready": _readiness(migration),
        "Sync task": migration.task_id,
        "Rollback impossible because": (
            migration.task.rollback_impossible_because if migration.task else ""
        ),
        "Slowed down because": migration.task.throttled_because if migration.task else "",
        "Complete before": _date_of(migration),
        "Message": migration.comment,
        "Rogue writers": migration.task.rogue if migration.task else None,
    }
    for name, outage_ms in (
        ("Switchover outage", migration.switch_outage_ms),
        ("Rollback outage", migration.rollback_outage_ms),
    ):
        facts[name] = None if outage_ms is None else f"{outage_ms:.0f} ms"
    return facts


def _readiness(migration: Migration) -> str | None:
    """Yes, or no and why; None where there is nothing to roll back."""
    if migration.rollback_ready is None:
        return None
    return "yes" if migration.rollback_ready else f"no: {migration.rollback_blocked_because}"
