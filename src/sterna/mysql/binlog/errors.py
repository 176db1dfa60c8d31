"""The one error the binary log parser raises."""

from __future__ import annotations

from sterna.errors import Stopped


class BadEvent(Stopped):
    """An event that is damaged, or of a kind Sterna does not carry; nothing was applied from it."""

    code = "BadEvent"
