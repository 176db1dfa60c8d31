"""Views, routines, triggers and events, carried with the context they were written in.

Each is created from the origin's own text under its own sql_mode, character set, collations and
time zone, with its original definer. Functions and procedures come first, because views may use
them; then views, in whatever order their dependencies allow; then triggers and events. Events are
created disabled: they run only where the writes are. Creating all again is harmless.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sterna.dataplane.copied_objects import (
    DATABASE,
    CopiedObject,
    forget_object,
    read_objects_made,
    remember_object,
)
from sterna.dataplane.copy_state import create_state_tables, state_session
from sterna.dataplane.reports import LogReport, ReportTo
from sterna.dataplane.schema import open_origin_session, read_facts
from sterna.dataplane.schema_tables import Facts, destination_charset, destination_collation
from sterna.dataplane.schema_text import without_event_status
from sterna.dataplane.snapshot import close_sessions
from sterna.dataplane.text_context import encode_text, execute_bytes
from sterna.errors import Stopped
from sterna.mysql.catalog import (
    Event,
    Routine,
    Trigger,
    View,
    read_databases,
    read_events,
    read_routines,
    read_triggers,
    read_views,
)
from sterna.mysql.connection import (
    SQL_MODE,
    Server,
    ServerError,
    Session,
    execute,
    query,
    query_dicts,
    scalar,
)
from sterna.mysql.identifiers import quote, quote_text
from sterna.mysql.variables import read_variables

# Modes a newer server no longer knows; none of them changes what a stored body means.
_MODES_DROPPED = frozenset(
    [
        "NO_AUTO_CREATE_USER",
        "NO_FIELD_OPTIONS",
        "NO_KEY_OPTIONS",
        "NO_TABLE_OPTIONS",
        "MYSQL323",
        "MYSQL40",
        "POSTGRESQL",
        "DB2",
        "MAXDB",
        "MSSQL",
    ]
)
_MODES_KNOWN = _MODES_DROPPED | frozenset(
    [
        "ALLOW_INVALID_DATES",
        "ANSI",
        "ANSI_QUOTES",
        "ERROR_FOR_DIVISION_BY_ZERO",
        "HIGH_NOT_PRECEDENCE",
        "IGNORE_SPACE",
        "NO_AUTO_VALUE_ON_ZERO",
        "NO_BACKSLASH_ESCAPES",
        "NO_DIR_IN_CREATE",
        "NO_ENGINE_SUBSTITUTION",
        "NO_UNSIGNED_SUBTRACTION",
        "NO_ZERO_DATE",
        "NO_ZERO_IN_DATE",
        "ONLY_FULL_GROUP_BY",
        "PAD_CHAR_TO_FULL_LENGTH",
        "PIPES_AS_CONCAT",
        "REAL_AS_FLOAT",
        "STRICT_ALL_TABLES",
        "STRICT_TRANS_TABLES",
        "TIME_TRUNCATE_FRACTIONAL",
        "TRADITIONAL",
    ]
)


@dataclass(frozen=True)
class StoredObject:
    """A view, routine, trigger or event as the origin shows it. `kind` as in DROP <kind>."""

    kind: str
    database: str
    name: str
    definer: str
    text: str
    sql_mode: str
    charset: str
    collation: str
    database_collation: str
    time_zone: str = ""
    status: str = ""

    @property
    def quoted(self) -> str:
        """Its name for SQL."""
        return quote(self.database, self.name)


def read_objects(origin: Server) -> tuple[StoredObject, ...]:
    """All views, routines, triggers and events of the origin as it shows them now.

    Raises:
        Stopped: an object cannot be carried, or is not shown to us.
    """
    reader = open_origin_session(origin)
    try:
        databases = [database.name for database in read_databases(reader)]
        readers = (_routines, _views, _triggers, _events)
        return tuple(each for d in databases for read in readers for each in read(reader, d))
    finally:
        close_sessions([reader])


def create_objects(
    origin: Server,
    destination: Server,
    report: ReportTo,
    objects: Sequence[StoredObject] | None = None,
) -> None:
    """Create views, routines, triggers and events on the destination: `objects`, or all the
    origin has now. What an earlier call made and is not among them is dropped.

    Raises:
        Stopped: an object cannot be carried as it is; says which and why.
    """
    wanted = read_objects(origin) if objects is None else objects
    reader = open_origin_session(origin)
    try:
        with state_session(destination) as writer:
            create_state_tables(writer)
            _drop_earlier(writer)
            maker = _ObjectMaker(writer, read_facts(reader, writer), report)
            with _creators_trusted(writer):
                _create_all(reader, maker, wanted)
            maker.report_orphans()
    finally:
        close_sessions([reader])


def _drop_earlier(writer: Session) -> None:
    present = {database.name for database in read_databases(writer)}
    for made in read_objects_made(writer):
        if made.kind == DATABASE:
            continue
        if made.database in present:
            execute(writer, f"DROP {made.kind} IF EXISTS {quote(made.database, made.name)}")
        forget_object(writer, made)


def _create_all(reader: Session, maker: _ObjectMaker, wanted: Iterable[StoredObject]) -> None:
    by_kind: dict[str, list[StoredObject]] = {}
    for each in wanted:
        by_kind.setdefault(each.kind, []).append(each)
        made = CopiedObject(each.database, each.kind, each.name)
        remember_object(maker.writer, made, status=each.status)
    for each in [*by_kind.get("FUNCTION", []), *by_kind.get("PROCEDURE", [])]:
        maker.create(each)
    _create_views(reader, maker, by_kind.get("VIEW", []))
    for each in [*by_kind.get("TRIGGER", []), *by_kind.get("EVENT", [])]:
        maker.create(each)


def _create_views(reader: Session, maker: _ObjectMaker, waiting: list[StoredObject]) -> None:
    """Again and again, as long as some view finds the views it is made of."""
    while waiting:
        refused = {view.quoted: error for view in waiting if (error := maker.try_create(view))}
        left = [view for view in waiting if view.quoted in refused]
        if len(left) == len(waiting):
            for view in left:
                maker.give_up(view, refused[view.quoted], broken=_is_broken(reader, view))
            return
        waiting = left


def _is_broken(reader: Session, view: StoredObject) -> bool:
    """True when the origin itself cannot read the view."""
    try:
        query(reader, f"SELECT 1 FROM {view.quoted} LIMIT 0")
    except ServerError:
        return True
    return False


class _ObjectMaker:
    """Creates objects on the destination, each in its own context."""

    def __init__(self, writer: Session, facts: Facts, report: ReportTo) -> None:
        self.writer = writer
        self._facts, self._report = facts, report
        self._accounts = {
            f"{user}@{host}" for user, host in query(writer, "SELECT User, Host FROM mysql.user")
        }
        self._orphans: dict[str, int] = {}

    def create(self, wanted: StoredObject) -> None:
        """Create one object. Stopped when the destination refuses it."""
        if error := self.try_create(wanted):
            raise _refused(wanted, error)

    def try_create(self, wanted: StoredObject) -> ServerError | None:
        """Create one object; what is said against a view, which may only lack another object."""
        with _database_collation(self.writer, wanted, self._facts):
            try:
                execute(self.writer, f"DROP {wanted.kind} IF EXISTS {wanted.quoted}")
                self._execute(wanted)
            except ServerError as error:
                if wanted.kind != "VIEW":
                    raise _refused(wanted, error) from error
                return error
            finally:
                execute(self.writer, "SET NAMES utf8mb4")
                execute(self.writer, f"SET sql_mode = '{SQL_MODE}', time_zone = '+00:00'")
        if wanted.definer not in self._accounts:
            self._orphans[wanted.definer] = self._orphans.get(wanted.definer, 0) + 1
        return None

    def _execute(self, wanted: StoredObject) -> None:
        charset = destination_charset(wanted.charset, self._facts)
        _, collation = destination_collation(wanted.collation, self._facts)
        text = encode_text(wanted.text, wanted.charset)
        execute(self.writer, f"USE {quote(wanted.database)}")
        execute(
            self.writer,
            f"SET sql_mode = {quote_text(_sql_mode(wanted))},"
            f" time_zone = {quote_text(wanted.time_zone or '+00:00')},"
            f" character_set_client = {charset}, collation_connection = {collation}",
        )
        execute_bytes(self.writer, text)

    def give_up(self, view: StoredObject, error: ServerError, *, broken: bool) -> None:
        """A view that its own server cannot read is left out and reported; else Stopped."""
        if not broken:
            raise _refused(view, error)
        sentence = f"View {view.quoted} is broken on the origin and was left out: {error.text}."
        self._report(LogReport("WARN", sentence))

    def report_orphans(self) -> None:
        """Objects whose definer has no account run into an error when used, as on the origin."""
        for definer, count in sorted(self._orphans.items()):
            sentence = f"{count} objects run as {definer}, an account the destination lacks."
            self._report(LogReport("WARN", sentence))


def _refused(wanted: StoredObject, error: ServerError) -> Stopped:
    return Stopped(
        f"The destination refuses {wanted.kind.lower()} {wanted.quoted}: {error.message}",
        code="DefinitionRefused",
        remedy="Change it on the origin so that both versions understand it, or drop it.",
    )


def _sql_mode(wanted: StoredObject) -> str:
    modes = [mode for mode in wanted.sql_mode.split(",") if mode]
    if unknown := sorted(set(modes) - _MODES_KNOWN):
        raise Stopped(
            f"{wanted.kind.capitalize()} {wanted.quoted} needs sql_mode {', '.join(unknown)}.",
            code="UnknownSqlMode",
            remedy="Create it again on the origin under an sql_mode both servers know.",
        )
    return ",".join(mode for mode in modes if mode not in _MODES_DROPPED)


@contextmanager
def _database_collation(writer: Session, wanted: StoredObject, facts: Facts) -> Generator[None]:
    """The database's collation at creation becomes part of an object; give it the original."""
    if not wanted.database_collation:
        yield
        return
    collation = destination_collation(wanted.database_collation, facts)[1]
    found = scalar(
        writer,
        "SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s",
        [wanted.database],
    )
    if found == collation:
        yield
        return
    alter = f"ALTER DATABASE {quote(wanted.database)} COLLATE "
    execute(writer, alter + collation)
    try:
        yield
    finally:
        execute(writer, alter + str(found))


@contextmanager
def _creators_trusted(writer: Session) -> Generator[None]:
    """A server with a binary log refuses functions that do not say they are deterministic."""
    name = "log_bin_trust_function_creators"
    if read_variables(writer, name).get(name) != "OFF":
        yield
        return
    execute(writer, f"SET GLOBAL {name} = ON")
    try:
        yield
    finally:
        execute(writer, f"SET GLOBAL {name} = OFF")


# Reading


def _routines(reader: Session, database: str) -> Iterable[StoredObject]:
    for routine in read_routines(reader, database):
        if routine.kind not in ("FUNCTION", "PROCEDURE"):
            raise Stopped(
                f"{quote(database, routine.name)} is a {routine.kind.lower()}.",
                code="UnknownDefinition",
                remedy="Turn it into functions and procedures, or drop it.",
            )
        text = f"Create {routine.kind.capitalize()}"
        yield _show(reader, routine.kind, database, routine, text=text)


def _views(reader: Session, database: str) -> Iterable[StoredObject]:
    for view in read_views(reader, database):
        yield _show(reader, "VIEW", database, view, text="Create View")


def _triggers(reader: Session, database: str) -> Iterable[StoredObject]:
    for trigger in read_triggers(reader, database):
        yield _show(reader, "TRIGGER", database, trigger, text="SQL Original Statement")


def _events(reader: Session, database: str) -> Iterable[StoredObject]:
    for event in read_events(reader, database):
        shown = _show(reader, "EVENT", database, event, text="Create Event")
        yield replace(shown, text=without_event_status(shown.text), status=event.status)


def _show(
    reader: Session, kind: str, database: str, found: View | Routine | Trigger | Event, *, text: str
) -> StoredObject:
    show = f"SHOW CREATE {kind} {quote(database, found.name)}"
    try:
        shown = query_dicts(reader, show)[0]
    except UnicodeDecodeError as error:  # bytes of no text, where nothing had to be converted
        raise _not_shown(kind, database, found.name) from error
    if shown[text] is None:
        raise Stopped(
            f"The origin does not show us {kind.lower()} {quote(database, found.name)}.",
            code="AccessDenied",
            remedy="Grant SELECT on mysql.* (5.x) or SHOW_ROUTINE to the account on the origin.",
        )
    if "?" in str(shown[text]) and _is_lossy(reader, show, str(shown[text]), column=text):
        raise _not_shown(kind, database, found.name)
    return StoredObject(
        kind=kind,
        database=database,
        name=found.name,
        definer=found.definer,
        text=str(shown[text]),
        sql_mode=str(shown.get("sql_mode", "")),
        charset=str(shown["character_set_client"]),
        collation=str(shown["collation_connection"]),
        database_collation=str(shown.get("Database Collation", "")),
        time_zone=str(shown.get("time_zone", "")),
    )


def _not_shown(kind: str, database: str, name: str) -> Stopped:
    return Stopped(
        f"{kind.capitalize()} {quote(database, name)} has a text of another character set in it,"
        " such as _latin1 0xE9, which the origin does not show as it is.",
        code="UnknownDefinition",
        remedy="Create it again on the origin with CONVERT(0xE9 USING latin1) in its place.",
    )


def _is_lossy(reader: Session, show: str, text: str, *, column: str) -> bool:
    """Whether some of the question marks are bytes that are no text in the character set of the
    object: they are fewer where the origin converts nothing."""
    execute(reader, "SET character_set_results = binary")
    try:
        stored = query_dicts(reader, show)[0][column]
    finally:
        execute(reader, "SET character_set_results = utf8mb4")
    whole = stored if isinstance(stored, bytes) else str(stored).encode()
    return whole.count(b"?") < text.count("?")
