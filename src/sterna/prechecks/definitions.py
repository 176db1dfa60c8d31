"""Every table is put into the target's words as the copy does it, before anything is copied."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from sterna.errors import Stopped
from sterna.mysql.catalog import Table, read_columns
from sterna.mysql.connection import ServerError
from sterna.prechecks.base import Check, Context, Finding, counted, shorten

_HAVE_CHECKS_OF_THEIR_OWN = frozenset({"UnknownCollation"})
_CONVERTED = "its storage engine "  # `table_engines` tells of these
_ENCRYPTED = ("its option ENCRYPTION=", "its option ENCRYPTED=")


class Definitions(Check):
    """Finds tables whose definition cannot be carried for a reason no other check knows, and says
    what will be stored differently: options that are left out, an index that InnoDB demands."""

    name = "definitions"
    title = "Definitions of tables"
    category = "other"
    why = (
        "What the target has no words for stops the copy; what it stores in another way should"
        " surprise nobody afterwards."
    )

    def run(self, context: Context) -> Iterator[Finding]:
        """An error per table, a warning for encryption that ends, a note per difference."""
        differences: dict[str, list[str]] = defaultdict(list)
        tables = {(t.database, t.name): t for t in context.tables if t.kind == "BASE TABLE"}
        for name in context.opened(tables) if context.convert else ():
            about = ".".join(name)
            try:
                for note in _convert(context, tables[name]):
                    differences[note].append(about)
            except Stopped as error:
                if error.code not in _HAVE_CHECKS_OF_THEIR_OWN:
                    yield self.error(about, message=error.message, remedy=error.remedy)
            except ServerError:
                continue  # it is gone, or damaged: `unreadable_tables` tells of these
        for note, names in differences.items():
            if note.startswith(_ENCRYPTED):
                yield self._encrypted(names, note)
            elif not note.startswith(_CONVERTED):
                message = f"{counted(len(names), 'table')}: {note}. {shorten(names)}."
                yield self.note(note.partition("=")[0].removeprefix("its "), message=message)
        yield from self.unseen(context)

    def _encrypted(self, names: list[str], note: str) -> Finding:
        return self.warning(
            "encryption",
            message=f"{counted(len(names), 'table')}: {note}, because a new cluster has no keys:"
            f" {shorten(names)}.",
            remedy="Put the cluster's data (STERNA_HOME/clusters) on an encrypted disk, or install"
            " a keyring on the cluster after the upgrade and encrypt the tables there.",
        )


def _convert(context: Context, table: Table) -> Sequence[str]:
    assert context.convert
    try:
        return context.convert(table, context.columns[table.database].get(table.name, []))
    except Stopped:  # it may have been altered since its columns were read
        columns = read_columns(context.source, table.database).get(table.name, [])
        return context.convert(table, columns)
