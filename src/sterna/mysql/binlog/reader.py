"""A cursor over the bytes of one event; reading past the end is a BadEvent."""

from __future__ import annotations

from sterna.mysql.binlog.errors import BadEvent


class Reader:
    """Reads little-endian numbers and texts off `data`, from `at` on."""

    def __init__(self, data: bytes, *, at: int = 0) -> None:
        self.data = data
        self.at = at

    @property
    def left_bytes(self) -> int:
        """Bytes not read yet."""
        return len(self.data) - self.at

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        end = self.at + count
        if count < 0 or end > len(self.data):
            raise BadEvent(f"An event of {len(self.data)} bytes is too short.")
        taken = self.data[self.at : end]
        self.at = end
        return taken

    def number(self, width_bytes: int) -> int:
        """An unsigned little-endian number."""
        return int.from_bytes(self.take(width_bytes), "little")

    def packed(self) -> int:
        """A length-encoded number."""
        first = self.number(1)
        if first < 251:
            return first
        if first == 251 or first == 255:
            raise BadEvent(f"A packed number begins with {first}.")
        return self.number({252: 2, 253: 3, 254: 8}[first])

    def text(self, count: int) -> str:
        """UTF-8 text of `count` bytes; identifiers are always UTF-8 in the binary log."""
        return self.take(count).decode("utf-8", "surrogateescape")

    def short_text(self) -> str:
        """Text with its length in one byte before it."""
        return self.text(self.number(1))

    def terminated_text(self) -> str:
        """Text up to a NUL byte."""
        end = self.data.find(b"\0", self.at)
        if end < 0:
            raise BadEvent("A text in an event has no end.")
        text = self.text(end - self.at)
        self.at = end + 1
        return text

    def rest(self) -> bytes:
        """Everything that is left."""
        return self.take(self.left_bytes)
