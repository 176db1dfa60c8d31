"""The prechecks, one class per file, in the order in which they are shown.

`run_prechecks` changes nothing on the source. See README.md for how to add one.
"""

from __future__ import annotations

from collections.abc import Iterator

from sterna.errors import SternaError
from sterna.prechecks.accounts import Accounts
from sterna.prechecks.base import AccountDecision, Check, Context, Finding
from sterna.prechecks.binary_log import BinaryLog
from sterna.prechecks.binary_log_retention import BinaryLogRetention
from sterna.prechecks.compressed_columns import CompressedColumns
from sterna.prechecks.empty_instance import EmptyInstance
from sterna.prechecks.events import Events
from sterna.prechecks.invalid_views import InvalidViews
from sterna.prechecks.json_kinds import JsonKinds
from sterna.prechecks.long_members import LongMembers
from sterna.prechecks.mariadb_only import MariadbOnly
from sterna.prechecks.missing_definers import MissingDefiners
from sterna.prechecks.name_case import NameCase
from sterna.prechecks.old_temporal_columns import OldTemporalColumns
from sterna.prechecks.own_database import OwnDatabase
from sterna.prechecks.prepared_transactions import PreparedTransactions
from sterna.prechecks.primary_keys import PrimaryKeys
from sterna.prechecks.read_write_status import ReadWriteStatus
from sterna.prechecks.removed_functions import RemovedFunctions
from sterna.prechecks.removed_syntax import RemovedSyntax
from sterna.prechecks.replica import Replica
from sterna.prechecks.reserved_names import ReservedNames
from sterna.prechecks.running_status import RunningStatus
from sterna.prechecks.source_privileges import SourcePrivileges
from sterna.prechecks.sql_modes import SqlModes
from sterna.prechecks.system_tables import SystemTables
from sterna.prechecks.table_engines import TableEngines
from sterna.prechecks.triggers import Triggers
from sterna.prechecks.unreadable_tables import UnreadableTables
from sterna.prechecks.version_pair import VersionPair
from sterna.prechecks.violated_checks import ViolatedChecks

__all__ = ["PRECHECKS", "AccountDecision", "Check", "Context", "Finding", "run_prechecks"]

PRECHECKS: tuple[Check, ...] = (
    # notes
    Events(),
    # basic
    RunningStatus(),
    ReadWriteStatus(),
    VersionPair(),
    # dependencies
    SourcePrivileges(),
    EmptyInstance(),
    TableEngines(),
    Triggers(),
    PrimaryKeys(),
    BinaryLog(),
    BinaryLogRetention(),
    Replica(),
    # key
    Accounts(),
    OwnDatabase(),
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
    SqlModes(),
    MissingDefiners(),
    SystemTables(),
)


def run_prechecks(context: Context) -> tuple[Finding, ...]:
    """What all checks found, in their order. A check that cannot look becomes an error itself."""
    return tuple(finding for check in PRECHECKS for finding in _run(check, context))


def _run(check: Check, context: Context) -> Iterator[Finding]:
    try:
        yield from check.run(context)
    except SternaError as error:
        yield check.error(
            check.title,
            message=f"The check could not be made: {error.message}",
            remedy=error.remedy or "Remove the cause, then evaluate again.",
        )
