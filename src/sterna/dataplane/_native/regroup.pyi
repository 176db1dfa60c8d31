"""Whole transactions out of spooled records, gathered per table and key as raw row images."""

from collections.abc import Container, Sequence
from typing import Any

from sterna.dataplane._native.split_rows import KeyFilter

class Irregular(Exception):
    """The images of one row do not follow from each other: the window must be given up."""

class Table:
    """How the rows of a table lie in its images; it also holds the changes gathered.

    Args:
        tag: whatever the caller wants to find again.
        layout: for each column its length in bytes and how many bytes of length stand before its
            value, one of the two 0.
        key: for each column of the primary key its number and the order of its bytes: 0 as they
            stand, 1 an unsigned little-endian number, 2 a signed one. Without a key the rows of
            the table are handed on as they are.
        unique: numbers of the columns of all other unique keys.
        keeps_largest: whether the largest key that was written and deleted again matters, as it
            does where it moves AUTO_INCREMENT.
        ranges: which rows count while only some do, by the first column of the key.
    """

    tag: Any
    header: bytes
    """The 19 bytes the first rows event of the table began with."""
    rows_flags: int
    counting: int
    """Whether no rows of what is taken next count (0), those in `ranges` (1), or all (2)."""

    def __init__(
        self,
        tag: object,
        layout: Sequence[tuple[int, int]] = (),
        key: Sequence[tuple[int, int]] = (),
        unique: Container[int] = (),
        *,
        keeps_largest: bool = False,
        ranges: KeyFilter | None = None,
    ) -> None: ...

class Gatherer:
    """Takes transactions one by one, as long as they are quite ordinary.

    Args:
        rows_flags: the flags a rows event may have.
    """

    transactions: int
    row_events: int
    size_bytes: int
    """Of the records taken since `drain`."""
    commit_timestamp: int
    end_offset: int
    """Of the last transaction taken, in its file."""
    unknown_map: bytes | None
    """The table map that `take` stopped at; `learn` it and take again."""
    needs_more: bool
    """`take` came to the end of the buffer in the middle of a transaction."""

    def __init__(self, *, rows_flags: int) -> None: ...
    def learn(self, map_body: bytes, table: Table) -> None:
        """What is behind a table map; `map_body` is the event without its header, table id,
        flags and checksum."""

    def forget(self) -> None:
        """Forget all tables; ValueError with changes that were not drained."""

    def take(self, buffer: bytes, at: int, *, has_checksum: bool) -> int:
        """Take the transaction whose records begin at `at`; where the next one begins.

        `at` itself when it was not taken: `unknown_map` and `needs_more` say why, and if neither
        does, it is out of the ordinary and untouched. Irregular when rows do not follow from
        each other; what was gathered is of no use then.
        """

    def take_statements(self) -> list[tuple[list[bytes], list[tuple[Table, bytes]]]]:
        """The statements of tables without a key since the last call: table maps and rows."""

    def drain(
        self, bytes_max: int
    ) -> list[tuple[Table, list[bytes], list[bytes], bytes, list[bytes]]]:
        """What was gathered, by table: images of rows deleted, pairs of images of rows updated,
        the image of the largest row that came and went (or b""), images of rows inserted; each
        in key order, in bodies of at most `bytes_max`. Forgets the changes."""
