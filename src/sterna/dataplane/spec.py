"""What the process of a sync task is told when it starts; one JSON line on its standard input.

Passwords travel in this line only: never on a command line, in the environment or in a file.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path

from sterna.migration.rate import TaskRate
from sterna.mysql.connection import Server

FORWARD = "forward"
REVERSE = "reverse"


def checkpoint_name(task_id: str, direction: str) -> str:
    """Name of the checkpoint row of one direction of a task."""
    return f"{task_id}/{direction}"


@dataclass(frozen=True)
class TaskSpec:
    """One start of one sync task.

    Attributes:
        task_id: `dts…`.
        direction: forward (copy first, then follow) or reverse (follow only).
        epoch: fencing epoch of this start, above all before.
        origin: where changes are read.
        destination: where they are applied.
        spool: folder for the stream on its way.
        server_id: what we call ourselves as a replica of the origin.
        workers: tables copied at the same time.
        rate: how fast copy, verification and stream may go.
    """

    task_id: str
    direction: str
    epoch: int
    origin: Server
    destination: Server
    spool: Path
    server_id: int
    workers: int = 2
    rate: TaskRate = field(default_factory=TaskRate)

    @property
    def checkpoint(self) -> str:
        """Name of this direction's checkpoint row on the destination."""
        return checkpoint_name(self.task_id, self.direction)


def to_line(spec: TaskSpec) -> str:
    """One JSON line without its newline. Contains passwords."""
    return json.dumps({**dataclasses.asdict(spec), "spool": str(spec.spool)})


def from_line(line: str) -> TaskSpec:
    """The spec in a line made by `to_line`."""
    fields = json.loads(line)
    for side in ("origin", "destination"):
        fields[side] = Server(**fields[side])
    fields["rate"] = TaskRate(**fields["rate"])
    return TaskSpec(**{**fields, "spool": Path(fields["spool"])})


def rate_to_line(rate: TaskRate) -> str:
    """One JSON line without its newline: what a running process is told behind `rate`."""
    return json.dumps(dataclasses.asdict(rate))


def rate_from_line(line: str) -> TaskRate:
    """The limits in a line made by `rate_to_line`."""
    return TaskRate(**json.loads(line))
