"""How fast a sync task may go: limits an operator sets, kept with the task; pure values."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from sterna.errors import Refused

LIMIT_MAX = 10**12


@dataclass(frozen=True)
class TaskRate:
    """What a sync task may do in a second; 0 stands for no limit.

    Attributes:
        full_rows_per_second: rows of the full copy.
        full_bytes_per_second: bytes of the full copy, as they are sent to the destination.
        full_queries_per_second: statements against the source: reads of the copy, and as many of
            the verification.
        incremental_rows_per_second: row events of the incremental synchronization.
        incremental_bytes_per_second: bytes of the binary log in the incremental synchronization.
        verify_rows_per_second: rows of the source the verification reads.
        back_off: slow copy and verification down while the source suffers.
    """

    full_rows_per_second: int = 0
    full_bytes_per_second: int = 0
    full_queries_per_second: int = 0
    incremental_rows_per_second: int = 0
    incremental_bytes_per_second: int = 0
    verify_rows_per_second: int = 0
    back_off: bool = True

    def changed(self, changes: Mapping[str, int | bool | None]) -> TaskRate:
        """With other limits; None leaves one as it is.

        Raises:
            Refused: NothingToChange, or RateOutOfRange.
        """
        given = {name: value for name, value in changes.items() if value is not None}
        if not given:
            raise Refused(
                "No limit was given, so nothing was changed.",
                code="NothingToChange",
                remedy="Name at least one, e.g. sterna task rate TASK --full-rows-per-second 5000.",
            )
        for name, value in given.items():
            if not 0 <= value <= LIMIT_MAX:
                raise Refused(
                    f"{name} cannot be {value}; nothing was changed.",
                    code="RateOutOfRange",
                    remedy=f"Give 0 for no limit, or a number up to {LIMIT_MAX}.",
                )
        return dataclasses.replace(self, **given)  # type: ignore[arg-type]

    def __str__(self) -> str:
        limits = [
            f"{name.replace('_', ' ').replace(' per second', '/s')} {value}"
            for name, value in dataclasses.asdict(self).items()
            if value and name != "back_off"
        ]
        limits += [] if self.back_off else ["no back-off"]
        return ", ".join(limits) or "no limit"
