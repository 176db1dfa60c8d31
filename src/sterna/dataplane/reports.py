"""What a sync task tells its supervisor, as values; one JSON line each on the wire."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class StageReport:
    """The task entered a stage: schema, full, incremental."""

    stage: str
    sentence: str


@dataclass(frozen=True)
class TableReport:
    """Progress of one table's copy.

    Attributes:
        state: waiting, copying, indexing (all rows are there) or copied.
        rows_estimated, bytes_estimated: what it has, as is thought now.
        rows_copied, bytes_copied: what is there, or on its way; what has to be moved again is
            not counted twice.
        rows_per_second: since this process began to move its rows; 0 once all are there.
        eta_seconds: until its indexes are there as well; None while nothing is known.
    """

    database: str
    table: str
    state: str = "waiting"
    rows_estimated: int = 0
    bytes_estimated: int = 0
    rows_copied: int = 0
    bytes_copied: int = 0
    rows_per_second: float = 0.0
    eta_seconds: float | None = None

    @property
    def copied(self) -> bool:
        """Whether its rows and indexes are there."""
        return self.state == "copied"


@dataclass(frozen=True)
class TablesReport:
    """Progress of several tables; `are_all`: the task has no others."""

    tables: Sequence[TableReport]
    are_all: bool = False

    def __post_init__(self) -> None:
        """From JSON they come as mappings."""
        known = [TableReport(**each) if isinstance(each, dict) else each for each in self.tables]
        object.__setattr__(self, "tables", known)


@dataclass(frozen=True)
class ProgressReport:
    """Progress of the whole copy, about once a second; rows of all tables, begun or not."""

    rows_estimated: int
    rows_copied: int
    bytes_copied: int
    eta_seconds: float | None


@dataclass(frozen=True)
class CopyReport:
    """The full copy is done; `seconds` is the wall time of all tables and their indexes."""

    rows_copied: int
    bytes_copied: int
    seconds: float


@dataclass(frozen=True)
class RowDifference:
    """Something that is not the same on both sides.

    Attributes:
        sentence: all of it, for people.
        key: which row, e.g. `id = 7`; "" where a whole table is concerned.
        kind: missing (on the destination), extra, different, json (only in what a
            JSON's text does not carry), count (rows without a key), table.
        columns: those that differ; none where they are not known.
        origin_values: by column, when asked for: those that differ, or all of a missing row.
        destination_values: the same on the other side.
    """

    sentence: str
    key: str
    kind: str
    columns: Sequence[str] = ()
    origin_values: Mapping[str, str | None] = field(default_factory=dict)
    destination_values: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class VerifyProgressReport:
    """Where a verification pass is. Rows are estimated as the pass begins."""

    pass_id: str
    table: str
    rows_verified: int
    rows_estimated: int
    seconds: float


@dataclass(frozen=True)
class VerifyReport:
    """One table compared: rows on the origin, rows that differ after re-reading and repair.

    `listed` are the first of the differences; all are counted.
    """

    pass_id: str
    database: str
    table: str
    rows_verified: int
    differences: int
    repaired: int
    listed: Sequence[RowDifference]

    def __post_init__(self) -> None:
        """From JSON they come as mappings."""
        known = [RowDifference(**d) if isinstance(d, dict) else d for d in self.listed]
        object.__setattr__(self, "listed", known)


@dataclass(frozen=True)
class VerifyDoneReport:
    """A verification pass ended; `problem` says why it could not go on, or is empty.

    `is_whole` is False for a pass over chosen tables, which says nothing of the others.
    """

    pass_id: str
    rows_verified: int
    differences: int
    repaired: int
    seconds: float
    is_whole: bool
    problem: str = ""


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
class SampleReport:
    """What a task did in the last second.

    Attributes:
        rows_per_second, bytes_per_second: of the full copy.
        rows_verified_per_second: read on the origin by the verification.
        transactions_per_second, row_events_per_second: applied by the stream.
        stream_bytes_per_second: of the origin's binary log, applied.
        window_transactions: transactions that were committed as one, on average.
        spool_bytes: what the spool holds on disk.
        share: of full speed copy and verification are allowed, 1 unless the origin suffers.
        throttled_because: what slows the task down; empty when nothing does.
    """

    rows_per_second: float
    bytes_per_second: float
    rows_verified_per_second: float
    transactions_per_second: float
    row_events_per_second: float
    stream_bytes_per_second: float
    window_transactions: float
    spool_bytes: int
    share: float
    throttled_because: str


@dataclass(frozen=True)
class PairReport:
    """Both binary logs at the same data; GTIDs are those up to there, "" where not known."""

    origin_position: str
    origin_gtids: str
    destination_position: str
    destination_gtids: str


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
    about: str = ""  # ddl: an object was changed


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
    | TablesReport
    | ProgressReport
    | CopyReport
    | VerifyProgressReport
    | VerifyReport
    | VerifyDoneReport
    | LagReport
    | SampleReport
    | PairReport
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
        TablesReport,
        ProgressReport,
        CopyReport,
        VerifyProgressReport,
        VerifyReport,
        VerifyDoneReport,
        LagReport,
        SampleReport,
        PairReport,
        RogueReport,
        LogReport,
        StoppedReport,
    )
}


class Gathered:
    """Passes reports on. Those of tables wait for each other until anything else is said, which
    is about once a second, and only the newest of each is passed on."""

    def __init__(self, say: ReportTo) -> None:
        self._say = say
        self._lock = threading.Lock()
        self._tables: dict[tuple[str, str], TableReport] = {}

    def __call__(self, report: Report) -> None:
        """Say it, or keep it for a moment."""
        with self._lock:
            if isinstance(report, TableReport):
                self._tables[report.database, report.table] = report
                return
            if self._tables:
                self._say(TablesReport(list(self._tables.values())))
                self._tables.clear()
            self._say(report)


def to_line(report: Report) -> str:
    """One JSON line without its newline."""
    return json.dumps({"kind": type(report).__name__, **dataclasses.asdict(report)})


def from_line(line: str) -> Report:
    """The report in a line made by `to_line`."""
    fields = json.loads(line)
    report: Report = _KINDS[fields.pop("kind")](**fields)
    return report
