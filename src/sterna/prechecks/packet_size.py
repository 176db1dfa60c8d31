"""The source takes back rows as large as the cluster may get."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.prechecks.base import Check, Context, Finding

_NAME = "max_allowed_packet"
BYTES_MIN = 64 * 1024**2  # the default from 8.0 on
BYTES_MAX = 1024**3


class PacketSize(Check):
    """Finds a `max_allowed_packet` below 64 MiB."""

    name = "packet_size"
    title = "Packet size"
    category = "dependencies"
    is_safe_to_fix = True
    why = (
        "After the switch the cluster takes rows of up to 1 GiB. One that the source refuses would"
        " stop the way back."
    )

    def run(self, context: Context) -> Iterator[Finding]:
        """One warning."""
        size_bytes = int(context.variable(_NAME) or BYTES_MAX)
        if size_bytes < BYTES_MIN:
            yield self.warning(
                _NAME,
                message=f"The source takes rows of {size_bytes / 1024**2:.0f} MiB at most.",
                remedy=f"SET GLOBAL {_NAME} = {BYTES_MAX};\n"
                f"-- And in the source's configuration: {_NAME} = 1G",
            )
