"""Events between a stream and a spool, and records passed over in a spool; none is looked into."""

class Framer:
    """Packets of a binary log stream into the records of a spool."""

    taken: int
    """Where in the bytes received the first packet begins that was not taken."""
    sequence: int
    """The number the next packet must have."""
    end_offset: int
    """Of the last event taken."""

    def frame(
        self, received: bytes, at: int, *, sequence: int, end_offset: int, has_checksum: bool
    ) -> bytes:
        """The records of the ordinary events from `at` on, their checksums verified.

        Stops before a packet that is not whole, is out of order or an error, and before an event
        that is damaged, does not lie behind the one before, or is about the stream itself.
        """

def pass_over(buffer: bytes, at: int, wanted: bytes, *, has_checksum: bool) -> tuple[int, int]:
    """Pass over the records from `at` on whose types are not wanted, and those of plain BEGINs.

    `wanted` has 256 bytes, 0 for a type that is not wanted. Where the first record begins that is
    wanted, not whole or damaged, and where the last event passed ends in its file (-1: none was).
    """

def repack(unpacked: bytes, *, end_offset: int, has_checksum: bool) -> bytes:
    """The events of a TRANSACTION_PAYLOAD as records, all of them ending at `end_offset`.

    ValueError where the last one is cut.
    """
