"""`sterna schedule`, and the options that put an operation off: --at, --until."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import typer

from sterna.cli.ask import confirm
from sterna.cli.client import Client, connect
from sterna.cli.output import Json, print_table, say, show
from sterna.store.records import Schedule

app = typer.Typer(no_args_is_help=True, help="Operations that begin by themselves.")

At = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Begin by itself then: ISO 8601, local time unless it has an offset.",
    ),
]
Until = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="With --at: stop trying then; 15 minutes later if left out."),
]


@app.command("list")
def list_schedules(as_json: Json = False) -> None:
    """List all schedules, also those that have ended."""
    schedules = connect().get("/schedules", list[Schedule])
    columns = ("Schedule", "Cluster", "Operation", "From", "Until", "State", "Tries", "In the way")
    rows = (
        (
            each.id,
            each.cluster_id,
            each.operation,
            local(each.starts_at),
            local(each.ends_at),
            each.state,
            each.tries,
            each.refusal,
        )
        for each in schedules
    )
    empty = "No schedules. Make one with: sterna switch-over CLUSTER --at TIME"
    show(schedules, as_json=as_json, human=lambda: print_table(columns, rows, empty=empty))


@app.command()
def cancel(
    schedule_id: Annotated[str, typer.Argument(metavar="SCHEDULE", help="Id, sc-…")],
    as_json: Json = False,
) -> None:
    """Let a waiting schedule not begin."""
    schedule = connect().remove(f"/schedules/{schedule_id}", Schedule)
    show(schedule, as_json=as_json, human=lambda: say(f"{schedule_id} is cancelled."))


@dataclass(frozen=True)
class Later:
    """What --at and --until were given, and how to ask and to answer."""

    at: str | None
    until: str | None
    yes: bool
    as_json: bool


def put_off(client: Client, later: Later, **wanted: Any) -> bool:
    """Schedule what is `wanted` when a time was given; whether it was."""
    if later.at is None:
        if later.until is not None:
            raise typer.BadParameter("--until goes with --at")
        return False
    starts_at, ends_at = moment(later.at), moment(later.until) if later.until else None
    told = f"from {local(starts_at)} until {local(ends_at) if ends_at else '15 minutes later'}"
    question = f"Begin {wanted['operation']} of {wanted['cluster_id']} by itself, {told}?"
    confirm(question, yes=later.yes)
    window = {
        "starts_at": starts_at.isoformat(),
        "ends_at": ends_at.isoformat() if ends_at else None,
    }
    schedule = client.post("/schedules", Schedule, {**wanted, **window})
    show(schedule, as_json=later.as_json, human=lambda: _print(schedule))
    return True


def moment(text: str) -> datetime:
    """A time as typed: ISO 8601; without an offset it is local.

    Raises a usage error for what is no time, and for a local time that the change of the clocks
    leaves out or repeats.
    """
    try:
        given = datetime.fromisoformat(text)
        early, late = given.astimezone(), given.replace(fold=1).astimezone()
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(f"{text} is no time such as 2027-01-31T02:00+01:00") from error
    if given.tzinfo is not None:
        return given
    if early.utcoffset() != late.utcoffset() or early.replace(tzinfo=None) != given:
        raise typer.BadParameter(f"the clocks change at {text}; add an offset, such as +01:00")
    return early


def local(moment_: datetime) -> str:
    """A moment in full: date, time, offset."""
    return moment_.astimezone().isoformat(sep=" ", timespec="seconds")


def _print(schedule: Schedule) -> None:
    say(schedule.id)
    window = f"between {local(schedule.starts_at)} and {local(schedule.ends_at)}"
    say(f"{schedule.operation} of {schedule.cluster_id} begins {window}.")
    for one, other in (schedule.arguments.get("pairs") or {}).items():
        say(f"It exchanges {one} with {other}.")
    if schedule.refusal:
        say(f"Now it would be refused: {schedule.refusal}")
