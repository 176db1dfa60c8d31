"""The prechecks, one class per file, in the order in which they are shown.

`run_prechecks` changes nothing on the source. See README.md for how to add one.
"""

from __future__ import annotations

from collections.abc import Iterator

from sterna.errors import SternaError
from sterna.prechecks.account_collisions import AccountCollisions
from sterna.prechecks.account_hosts import AccountHosts
from sterna.prechecks.account_privileges import AccountPrivileges
from sterna.prechecks.accounts import Accounts
from sterna.prechecks.base import CATEGORIES, AccountDecision, Check, Context, Finding
from sterna.prechecks.binary_log import BinaryLog
from sterna.prechecks.binary_log_compression import BinaryLogCompression
from sterna.prechecks.binary_log_durability import BinaryLogDurability
from sterna.prechecks.binary_log_retention import BinaryLogRetention
from sterna.prechecks.changed_defaults import ChangedDefaults
from sterna.prechecks.check_names import CheckNames
from sterna.prechecks.compressed_columns import CompressedColumns
from sterna.prechecks.definitions import Definitions
from sterna.prechecks.deprecated_types import DeprecatedTypes
from sterna.prechecks.disk_space import DiskSpace
from sterna.prechecks.empty_instance import EmptyInstance
from sterna.prechecks.estimate import Estimate
from sterna.prechecks.events import Events
from sterna.prechecks.expired_accounts import ExpiredAccounts
from sterna.prechecks.float_counters import FloatCounters
from sterna.prechecks.foreign_indexes import ForeignIndexes
from sterna.prechecks.foreign_keys import ForeignKeys
from sterna.prechecks.generated_columns import GeneratedColumns
from sterna.prechecks.group_member import GroupMember
from sterna.prechecks.history_list import HistoryList
from sterna.prechecks.innodb_limits import InnodbLimits
from sterna.prechecks.invalid_bytes import InvalidBytes
from sterna.prechecks.invalid_views import InvalidViews
from sterna.prechecks.json_kinds import JsonKinds
from sterna.prechecks.long_members import LongMembers
from sterna.prechecks.long_transactions import LongTransactions
from sterna.prechecks.mariadb_only import MariadbOnly
from sterna.prechecks.missing_definers import MissingDefiners
from sterna.prechecks.name_case import NameCase
from sterna.prechecks.odd_names import OddNames
from sterna.prechecks.old_charsets import OldCharsets
from sterna.prechecks.old_temporal_columns import OldTemporalColumns
from sterna.prechecks.own_database import OwnDatabase
from sterna.prechecks.packet_size import PacketSize
from sterna.prechecks.partitions import Partitions
from sterna.prechecks.prepared_transactions import PreparedTransactions
from sterna.prechecks.primary_keys import PrimaryKeys
from sterna.prechecks.read_write_status import ReadWriteStatus
from sterna.prechecks.removed_functions import RemovedFunctions
from sterna.prechecks.removed_names import RemovedNames
from sterna.prechecks.removed_syntax import RemovedSyntax
from sterna.prechecks.removed_variables import RemovedVariables
from sterna.prechecks.replica import Replica
from sterna.prechecks.reserved_names import ReservedNames
from sterna.prechecks.running_ddl import RunningDdl
from sterna.prechecks.running_status import RunningStatus
from sterna.prechecks.schema_change_tables import SchemaChangeTables
from sterna.prechecks.server_identity import ServerIdentity
from sterna.prechecks.source_privileges import SourcePrivileges
from sterna.prechecks.spatial_references import SpatialReferences
from sterna.prechecks.sql_mode_flags import SqlModeFlags
from sterna.prechecks.sql_modes import SqlModes
from sterna.prechecks.system_tables import SystemTables
from sterna.prechecks.table_engines import TableEngines
from sterna.prechecks.time_zones import TimeZones
from sterna.prechecks.tls import Tls
from sterna.prechecks.triggers import Triggers
from sterna.prechecks.two_digit_years import TwoDigitYears
from sterna.prechecks.unknown_collations import UnknownCollations
from sterna.prechecks.unreadable_tables import UnreadableTables
from sterna.prechecks.version_pair import VersionPair
from sterna.prechecks.violated_checks import ViolatedChecks
from sterna.prechecks.way_back import WayBack
from sterna.prechecks.whitelists import Whitelists
from sterna.prechecks.zero_defaults import ZeroDefaults

__all__ = [
    "CATEGORIES",
    "PRECHECKS",
    "AccountDecision",
    "Check",
    "Context",
    "Finding",
    "run_prechecks",
]

PRECHECKS: tuple[Check, ...] = (
    # notes
    Events(),
    Estimate(),
    ChangedDefaults(),
    # basic
    RunningStatus(),
    ReadWriteStatus(),
    VersionPair(),
    GroupMember(),
    Tls(),
    # dependencies
    SourcePrivileges(),
    EmptyInstance(),
    TableEngines(),
    Triggers(),
    PrimaryKeys(),
    BinaryLog(),
    BinaryLogRetention(),
    Replica(),
    ServerIdentity(),
    BinaryLogDurability(),
    BinaryLogCompression(),
    PacketSize(),
    TimeZones(),
    SqlModeFlags(),
    RemovedVariables(),
    SchemaChangeTables(),
    RunningDdl(),
    LongTransactions(),
    HistoryList(),
    DiskSpace(),
    WayBack(),
    # key
    Accounts(),
    OwnDatabase(),
    AccountCollisions(),
    AccountHosts(),
    AccountPrivileges(),
    ExpiredAccounts(),
    Whitelists(),
    # other
    MariadbOnly(),
    OldTemporalColumns(),
    InvalidViews(),
    UnreadableTables(),
    PreparedTransactions(),
    NameCase(),
    ReservedNames(),
    CompressedColumns(),
    ViolatedChecks(),
    JsonKinds(),
    LongMembers(),
    RemovedFunctions(),
    RemovedSyntax(),
    RemovedNames(),
    SqlModes(),
    MissingDefiners(),
    SystemTables(),
    UnknownCollations(),
    TwoDigitYears(),
    InnodbLimits(),
    FloatCounters(),
    ForeignIndexes(),
    CheckNames(),
    Partitions(),
    ForeignKeys(),
    OddNames(),
    InvalidBytes(),
    SpatialReferences(),
    ZeroDefaults(),
    GeneratedColumns(),
    DeprecatedTypes(),
    OldCharsets(),
    Definitions(),
)


def run_prechecks(context: Context, only: str = "") -> tuple[Finding, ...]:
    """What all checks found, or one alone, in their order. A check that cannot look becomes an
    error itself."""
    asked = (check for check in PRECHECKS if only in ("", check.name))
    return tuple(finding for check in asked for finding in _run(check, context))


def _run(check: Check, context: Context) -> Iterator[Finding]:
    try:
        yield from check.run(context)
    except SternaError as error:
        yield check.error(
            check.title,
            message=f"The check could not be made: {error.message}",
            remedy=error.remedy or "Remove the cause, then evaluate again.",
        )
