"""Which rows of a rows event count, told from the range their key lies in; without decoding."""

from collections.abc import Sequence

class KeyFilter:
    """The ranges of a key and which of them are admitted; at first none is.

    Args:
        kind: a `KeyKind`.
        highs: the inclusive upper end of each range but the last, in order: integers or bytes.
            ValueError or OverflowError for others.
    """

    def __init__(self, kind: int, highs: Sequence[int | bytes]) -> None: ...
    def admit(self, admitted: bytes) -> None:
        """One byte for each range, not zero where its rows count; one more than `highs`."""

class RowSplitter:
    """Splits the row images of a table.

    Args:
        layout: for each column its length in bytes and how many bytes of length stand before its
            value, one of the two 0.
        column: the number of the key column the filter is about.
        keys: says which rows count; shared, so it may change between two events.
    """

    def __init__(self, layout: Sequence[tuple[int, int]], column: int, keys: KeyFilter) -> None: ...
    def split(self, event: bytes, at: int, end: int, *, kind: int) -> list[tuple[int, bytes]]:
        """The rows between `at` and `end` that count, in order, as runs of one kind: 0 a write, 1
        an update (before and after), 2 a delete. An update of which only one end counts becomes
        a write or a delete. ValueError where the images are not whole rows with a key."""
