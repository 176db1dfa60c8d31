"""Text-protocol result packets in, LOAD DATA rows in LOCAL INFILE packets out."""

from _typeshed import ReadableBuffer, WriteableBuffer

class Transcoder:
    """One result set on its way from a server's SELECT to LOAD DATA LOCAL packets.

    The packets may be cut anywhere: in a header, a length, a field. Releases the GIL.

    Args:
        columns: columns of the result set, at least 1.
    """

    rows: int
    """Rows written since `start_chunk`."""
    sequence: int
    """The number of the next packet, 0 to 255."""
    ended: bool
    """The packet after the last row was read; `failure` says whether it was an error."""

    def __init__(self, columns: int) -> None: ...
    def start_chunk(self, *, rows_max: int, sequence: int) -> None:
        """Begin a chunk: at most `rows_max` rows; its first packet is numbered `sequence`."""

    def end_chunk(self) -> None:
        """Let the chunk end with the row that is under way, or at once between two rows."""

    @property
    def is_full(self) -> bool:
        """Whether the chunk takes no more bytes: all of its rows are written, to their ends."""

    @property
    def failure(self) -> bytes | None:
        """The payload of the ERR packet that ended the rows (0xFF, code, message), else None."""

    def transcode(self, received: ReadableBuffer, packets: WriteableBuffer) -> tuple[int, int]:
        """Write the rows in `received` into `packets` as one framed packet.

        Returns:
            Bytes taken from `received` (all of them, unless the chunk is full or the rows have
            ended), bytes written to `packets` (0, or a header and what follows it).

        Raises:
            ValueError: `packets` holds less than 3 bytes per byte received and 64, or 16 MB or
                more; or the rows do not have the announced number of columns.
        """
