"""What the store keeps, as frozen values; the API returns them as they are.

Times are aware datetimes in UTC. Ids carry their kind: `rm-…` instance, `pc-…` cluster, `pi-…`
node, `pe-…` endpoint, `dts…` sync task, `ev-…` evaluation. Status words are the vendor's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sterna.migration.rate import TaskRate
from sterna.migration.scaling import Serverless


@dataclass(frozen=True)
class Instance:
    """A registered MySQL or MariaDB server, the source of an upgrade."""

    id: str
    description: str
    host: str
    port: int
    user: str
    version: str
    tls: str  # Disabled | Preferred | Required
    status: str  # Running | Released
    created_at: datetime


@dataclass(frozen=True)
class Node:
    """One server of a cluster."""

    id: str
    role: str  # Writer | Reader
    host: str
    port: int
    status: str  # Creating | Running | Rebooting | ClassChanging | Deleting | Stopped
    node_class: str = ""  # the class it was last started with; empty: its cluster's
    host_id: str = ""  # ho-… it is made on; empty: this machine
    progress: str = ""  # how far the copy of the primary's data is; empty: nothing is copied


@dataclass(frozen=True)
class Cluster:
    """The target: one primary, N read-only nodes."""

    id: str
    description: str
    version: str
    engine: str
    node_class: str
    storage_engine: str
    pay_type: str
    # Creating | Running | DBNodeCreating | DBNodeDeleting | ClassChanging | Rebooting | Deleting
    status: str
    created_at: datetime
    nodes: tuple[Node, ...] = ()
    network_label: str = ""  # the network of its endpoints; empty: Private
    serverless: Serverless | None = None  # the limits of one that follows its load
    semi_sync: bool = False  # whether commits wait for a read-only node
    myrocks_memory_percent: int = 0  # share of the buffers that is MyRocks'
    hosts: tuple[str, ...] = ()  # ho-… its nodes are made on; empty: this machine
    binary_log: bool = True  # whether its primary is started with one


@dataclass(frozen=True)
class Endpoint:
    """A stable address for applications; `routes_to` says which servers answer there now.

    A server that stands there twice gets twice the connections.
    """

    id: str
    owner_id: str  # rm-… or pc-…, where it was created; does not change with an exchange
    type: str  # Primary | Cluster | Custom | ReadOnly | Proxy
    read_write_mode: str  # ReadWrite | ReadOnly
    host: str
    port: int
    net_type: str  # the network it is in: Private | Public | any label
    ssl_enabled: bool
    state: str  # Open | Held
    routes_to: tuple[str, ...] = ()  # "host:port"
    name: str = ""
    # Chosen node → weight; on an instance "host:port" of a read-only server → weight.
    nodes: dict[str, int] = field(default_factory=dict, hash=False)
    allowed_networks: tuple[str, ...] = ("0.0.0.0/0", "::/0")
    part_of: str = ""  # pe-… whose read-only port it is


@dataclass(frozen=True)
class TableProgress:
    """One table of a sync task."""

    database: str
    table: str
    state: str  # waiting | copying | indexing (all rows are there) | copied
    rows_estimated: int  # of the whole, as is thought now
    rows_copied: int
    bytes_estimated: int
    bytes_copied: int
    rows_per_second: float
    percent: float  # 0..100
    eta_seconds: float | None
    rows_verified: int
    differences: int
    verified_at: datetime | None
    last_clean_at: datetime | None = None  # when it was last found to be alike on both sides


@dataclass(frozen=True)
class Verification:
    """One pass over the rows of both sides. Rows and seconds are those until now."""

    id: str  # vp-…
    task_id: str
    state: str  # waiting | running | clean | different | failed
    tables: tuple[str, ...]  # `database.table`, those asked for; none: all
    repair: bool
    table: str  # where it is
    rows_verified: int
    rows_estimated: int
    rows_per_second: float
    eta_seconds: float | None
    differences: int  # without those repaired
    repaired: int
    seconds: float
    problem: str  # why it failed
    ordered_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class Difference:
    """Something that was not the same on both sides. The origin is the side with the writes."""

    pass_id: str
    database: str
    table: str
    key: str  # e.g. `id = 7`; empty where the table as a whole is meant
    kind: str  # missing (on the side that follows) | extra | different | json | count | table
    sentence: str
    columns: tuple[str, ...]
    origin_values: dict[str, str | None]  # only when asked for
    destination_values: dict[str, str | None]
    found_at: datetime


@dataclass(frozen=True)
class DifferencePage:
    """Some of the differences that are kept: of each table the first thousand."""

    total: int
    offset: int
    items: tuple[Difference, ...]


@dataclass(frozen=True)
class TaskSample:
    """What a sync task did at one time: speeds of the second, or the half minute, before it.

    Rows and bytes a second are those of the full copy; transactions, row events and stream bytes
    those of the incremental synchronization; `window_transactions` is how many of the origin's
    transactions were committed as one.
    """

    at: datetime
    rows_per_second: float
    bytes_per_second: float
    rows_verified_per_second: float
    transactions_per_second: float
    row_events_per_second: float
    stream_bytes_per_second: float
    window_transactions: float
    spool_bytes: int
    share: float  # of full speed copy and verification are allowed
    throttled_because: str
    lag_seconds: float | None
    stalled_because: str


@dataclass(frozen=True)
class SyncTask:
    """Schema sync, full sync, incremental sync from an origin to a destination."""

    id: str
    name: str
    direction: str  # Forward | Reverse
    status: str  # Initializing | Synchronizing | Failed | Suspending | Finished
    stage: str  # schema | full | incremental
    lag_seconds: float | None  # None: not known (nothing applied yet, or the stream is dead)
    stalled_because: str  # empty while the stream is alive
    origin_position: str
    applied_position: str
    rows_copied: int
    rows_estimated: int
    bytes_copied: int
    bytes_estimated: int
    copy_seconds: float | None
    eta_seconds: float | None
    rows_verified: int
    differences: int
    verified_at: datetime | None  # last complete clean or unclean pass
    error: str
    error_code: str
    rogue: str  # who else wrote to the destination; empty when nobody, or verified clean since
    remedy: str
    created_at: datetime
    rate: TaskRate = field(default_factory=TaskRate)
    throttled_because: str = ""  # what slows it down: a limit, or an origin that suffers
    sample: TaskSample | None = None  # of the last second, while it runs
    rollback_impossible_because: str = ""  # the source cannot follow any more; empty while it can
    tables: tuple[TableProgress, ...] = ()


@dataclass(frozen=True)
class LogLine:
    """One fact of a sync task's log."""

    at: datetime
    level: str  # NORMAL | WARN
    sentence: str


@dataclass(frozen=True)
class PositionPair:
    """Both binary logs at one moment of the data: what one holds up to here, so does the other.

    GTIDs are those executed up to the position; empty where they are off or not known.
    """

    at: datetime
    source_position: str
    source_gtids: str
    cluster_position: str
    cluster_gtids: str


@dataclass(frozen=True)
class HistoryEntry:
    """One sentence of what happened to a migration."""

    at: datetime
    operation: str  # upgrade | switch_over | roll_back | complete | cancel | …
    step: str
    title: str
    state: str  # done | failed | undone | undo failed | refused | finished | warning | ambiguous
    sentence: str
    seconds: float


@dataclass(frozen=True)
class Finding:
    """What one precheck found."""

    check: str
    category: str  # notes | basic | dependencies | key | other
    severity: str  # error | warning | note
    object: str
    message: str
    why: str
    remedy: str
    ignorable: bool
    fix: str = ""  # SQL Sterna may run itself once somebody agrees


@dataclass(frozen=True)
class Evaluation:
    """A stored report of the prechecks, kept seven days."""

    id: str
    instance_id: str
    target_version: str
    created_at: datetime
    expires_at: datetime
    result: str  # passed | warnings | failed
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class EvaluationComparison:
    """What has changed since the report before; `previous_id` is "" where there is none."""

    evaluation_id: str
    previous_id: str
    new: tuple[Finding, ...] = ()
    gone: tuple[Finding, ...] = ()
    still_there: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Reason:
    """Why something must not be done now, and what to do instead."""

    code: str
    message: str
    remedy: str


@dataclass(frozen=True)
class ActionInfo:
    """Whether an operation could begin now, as far as the store knows."""

    action: str  # upgrade (continue) | switch_over | roll_back | complete | cancel | give_up | …
    title: str
    allowed: bool
    refusals: tuple[Reason, ...]


@dataclass(frozen=True)
class InheritedParameter:
    """A parameter of a source and of its cluster, and why they are alike or not."""

    name: str
    source_value: str
    cluster_value: str
    how: str  # carried | translated | dropped | own
    why: str


@dataclass(frozen=True)
class InheritedState:
    """What a cluster has of its source besides rows; `objects` is kind → number."""

    accounts: int
    objects: dict[str, int]
    account_differences: tuple[str, ...] = ()
    object_differences: tuple[str, ...] = ()


@dataclass(frozen=True)
class Migration:
    """One instance on its way to one cluster. Status words are the vendor's."""

    cluster_id: str
    instance_id: str
    status: str
    topology: str  # RDS2POLARDB | POLARDB2RDS | ""
    source_mode: str  # rw | ro
    cluster_mode: str  # rw | ro
    method: str  # logical | physical
    lag_seconds: float | None
    stalled_because: str
    expires_at: datetime
    created_at: datetime
    task_id: str
    comment: str  # error message, empty when fine
    operation: str  # the operation under way, empty when none
    with_endpoints: bool  # whether the endpoints are exchanged now
    switch_outage_ms: float | None
    rollback_outage_ms: float | None
    rollback_ready: bool | None = None  # None: the writes are not on the cluster
    rollback_blocked_because: str = ""  # empty when ready
    title: str = ""  # the status in words
    actions: tuple[ActionInfo, ...] = ()
    task: SyncTask | None = None
    history: tuple[HistoryEntry, ...] = field(default=())


@dataclass(frozen=True)
class AccountPlan:
    """How one account of an instance will reach the cluster."""

    account: str  # 'user'@'host'
    plugin: str
    how: str  # carried | password supplied | left out | undecided
    reason: str


@dataclass(frozen=True)
class EngineInfo:
    """A server version that can be a target on this machine."""

    name: str
    version: str
    path: str
    storage_engines: tuple[str, ...] = ("InnoDB",)


@dataclass(frozen=True)
class Plan:
    """What an operation would do: the dry run."""

    operation: str
    allowed: bool
    refusals: tuple[str, ...]
    actions: tuple[str, ...]
    figures: dict[str, str]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class OutlineStep:
    """One step of an operation in the words of its docstring."""

    operation: str
    number: int
    title: str
    undo: str  # title of the undo, or why there is none
    name: str = ""
    point_of_no_return: bool = False


@dataclass(frozen=True)
class Schedule:
    """An operation to be begun by itself, within a window."""

    id: str
    cluster_id: str
    operation: str  # switch_over | roll_back | complete
    arguments: dict[str, Any]
    starts_at: datetime
    ends_at: datetime
    state: str  # waiting | done | failed | given up | cancelled
    tries: int
    tried_at: datetime | None
    refusal: str  # why the last try was refused; before the first: what stands in the way now
    created_at: datetime


@dataclass(frozen=True)
class Hook:
    """Somebody to be told: a program of this machine, or an address on the network."""

    id: str
    events: tuple[str, ...]  # before | after | failed | warning
    command: tuple[str, ...]  # program in STERNA_HOME/hooks and its arguments, or empty
    url: str  # scheme and host, or empty; the rest is kept encrypted and never shown
    header_names: tuple[str, ...]  # as are their values
    timeout_seconds: float
    created_at: datetime


@dataclass(frozen=True)
class SideProbe:
    """What one side of a migration answers, looked at just now."""

    word: str  # source | cluster
    id: str
    address: str
    reachable: bool
    error: str  # why not
    read_only: bool | None
    position: str  # of its own binary log
    last_write_at: datetime | None  # newest change of a table, where the server knows it
    sessions: tuple[str, ...]  # user@host of everybody connected but us
    endpoints: tuple[str, ...]  # addresses that lead there
    checkpoint_position: str  # what it has applied of the other side, empty when nothing
    checkpoint_epoch: int


@dataclass(frozen=True)
class Resolution:
    """Both sides beside each other, and who should have the writes as far as can be told."""

    cluster_id: str
    status: str
    reason: str  # why it is not known
    sides: tuple[SideProbe, ...]
    journal_says: str  # source | cluster
    checkpoint_says: str  # source | cluster | empty: no checkpoint is left
    rogue: str
    recommended: str  # source | cluster | empty: only a person can know
    because: tuple[str, ...]
    resumable: tuple[str, ...]  # choices after which the synchronization can go on
