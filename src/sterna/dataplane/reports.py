"""What a sync task tells its supervisor, as values; one JSON line each on the wire."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class StageReport:
    """The task entered a stage: schema, full, incremental."""

    stage: str
    sentence: str


@dataclass(frozen=True)
class TableReport:
    """Progress of one table's copy. Rows and bytes are totals since its copy began."""

    database: str
    table: str
    rows_estimated: int
    rows_copied: int
    bytes_copied: int
    seconds: float
    copied: bool


@dataclass(frozen=True)
class CopyReport:
    """The full copy is done; `seconds` is the wall time of all tables and their indexes."""

    rows_copied: int
    bytes_copied: int
    seconds: float


@dataclass(frozen=True)
class VerifyReport:
    """One table compared: rows on the origin, rows that differ after re-reading."""

    database: str
    table: str
    rows_verified: int
    differences: int
    detail: str


@dataclass(frozen=True)
class VerifyDoneReport:
    """A verification pass over all tables ended."""

    rows_verified: int
    differences: int
    seconds: float


@dataclass(frozen=True)
class LagReport:
    """End-to-end lag; None while it is not known, with the reason the stream stands still."""

    lag_seconds: float | None
    origin_position: str
    applied_position: str
    stalled_because: str
    transactions: int
    row_events: int


@dataclass(frozen=True)
class RogueReport:
    """Somebody else changed rows of these tables on the destination."""

    position: str
    tables: list[str]


@dataclass(frozen=True)
class LogReport:
    """A fact worth keeping: DDL applied, a snapshot taken, an object converted."""

    level: str  # NORMAL | WARN
    sentence: str


@dataclass(frozen=True)
class StoppedReport:
    """The task met something it must not guess about and stopped; the data stays as it is."""

    code: str
    message: str
    remedy: str
    retry: bool  # a Transient cause: the supervisor starts the task again


Report = (
    StageReport
    | TableReport
    | CopyReport
    | VerifyReport
    | VerifyDoneReport
    | LagReport
    | RogueReport
    | LogReport
    | StoppedReport
)
ReportTo = Callable[[Report], None]

_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        StageReport,
        TableReport,
        CopyReport,
        VerifyReport,
        VerifyDoneReport,
        LagReport,
        RogueReport,
        LogReport,
        StoppedReport,
    )
}


def to_line(report: Report) -> str:
    """One JSON line without its newline."""
    return json.dumps({"kind": type(report).__name__, **dataclasses.asdict(report)})


def from_line(line: str) -> Report:
    """The report in a line made by `to_line`."""
    fields = json.loads(line)
    report: Report = _KINDS[fields.pop("kind")](**fields)
    return report
