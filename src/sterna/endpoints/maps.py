"""HAProxy's files: replaced as a whole, so that whoever reads one finds all of it."""

from __future__ import annotations

from pathlib import Path

from sterna.errors import Refused


def write(path: Path, text: str) -> None:
    """Replace a file as a whole. Refused (ProxyRefused): it says what it said before."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        temporary.touch(mode=0o600)
        temporary.write_text(text)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise Refused(
            f"The proxy's file {path} cannot be written: {error.strerror}; the endpoints were left"
            " as they were.",
            code="ProxyRefused",
            remedy="Make room on its disk, then try again.",
        ) from error


def shorten(path: Path, text: str) -> None:
    """Give a file less to say where it lies: that takes no room on a full disk."""
    with path.open("r+") as file:
        file.write(text)
        file.truncate()


def read_map(path: Path) -> dict[str, str]:
    """Key → value; empty where there is no file."""
    if not path.exists():
        return {}
    return dict(line.split() for line in path.read_text().splitlines())


def write_map(path: Path, entries: dict[str, str]) -> None:
    """Replace a map as a whole. Refused (ProxyRefused): it says what it said before."""
    write(path, map_text(entries))


def map_text(entries: dict[str, str]) -> str:
    """A map as its file has it."""
    return "".join(f"{key} {value}\n" for key, value in sorted(entries.items()))
