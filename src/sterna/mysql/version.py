"""Server versions: which flavor, which release, and which one is older."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Flavor = Literal["mysql", "mariadb"]

_NUMBERS = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")
_REPLICATION_PREFIX = "5.5.5-"  # MariaDB up to 10.x greets with it, so that old clients talk to it


@dataclass(frozen=True)
class Version:
    """A server version, e.g. MySQL 5.7.29. Ordered within a flavor; across flavors comparison
    raises TypeError, because 10.11 is not "newer" than 9.7."""

    flavor: Flavor
    major: int
    minor: int
    patch: int = 0

    @classmethod
    def parse(cls, text: str) -> Version:
        """The version in what VERSION() or a greeting says; ValueError when there is none."""
        is_mariadb = "mariadb" in text.lower()
        numbers = _NUMBERS.match(text.removeprefix(_REPLICATION_PREFIX) if is_mariadb else text)
        if numbers is None:
            raise ValueError(f"no version number in {text!r}")
        major, minor, patch = (int(number or 0) for number in numbers.groups())
        return cls("mariadb" if is_mariadb else "mysql", major, minor, patch)

    @property
    def numbers(self) -> tuple[int, int, int]:
        """(major, minor, patch)."""
        return (self.major, self.minor, self.patch)

    @property
    def series(self) -> str:
        """ "5.7", "9.7", "10.11": what users choose."""
        return f"{self.major}.{self.minor}"

    @property
    def is_mariadb(self) -> bool:
        """MariaDB and not MySQL (or Percona Server, which counts as MySQL)."""
        return self.flavor == "mariadb"

    def at_least(self, *numbers: int) -> bool:
        """`version.at_least(8, 0, 22)`: the numbers alone, whatever the flavor."""
        return self.numbers >= numbers

    def is_older_than(self, target: Version) -> bool:
        """True where `self` may not be the target of an upgrade from `target`: the same flavor
        and an older series. From one flavor to the other is a move, never a step back."""
        if self.flavor != target.flavor:
            return False
        return (self.major, self.minor) < (target.major, target.minor)

    def _same_flavor(self, other: Version) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        if self.flavor != other.flavor:
            raise TypeError(f"{self} and {other} are not comparable")
        return self.numbers, other.numbers

    def __lt__(self, other: Version) -> bool:
        mine, theirs = self._same_flavor(other)
        return mine < theirs

    def __le__(self, other: Version) -> bool:
        mine, theirs = self._same_flavor(other)
        return mine <= theirs

    def __gt__(self, other: Version) -> bool:
        mine, theirs = self._same_flavor(other)
        return mine > theirs

    def __ge__(self, other: Version) -> bool:
        mine, theirs = self._same_flavor(other)
        return mine >= theirs

    def __str__(self) -> str:
        name = "MariaDB" if self.is_mariadb else "MySQL"
        return f"{name} {self.major}.{self.minor}.{self.patch}"
