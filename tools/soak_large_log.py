"""Follow one binary log file of more than 4 GB, where events can no longer say where they end.

    .venv/bin/python -m tools.soak_large_log [--origin "mysql 5.7"] [--megabytes 4500]

One transaction fills the file with rows that are not relayed, and changes an ordinary table at its
beginning and at its end. The stream is cut behind the border of 4 GB and taken up again. Needs
three times the room on disk.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from sterna.dataplane.spool import WRAP_BYTES
from sterna.mysql.connection import Server, execute, open_session, server_version
from sterna.mysql.position import Position
from tests.fixtures.compare import assert_equal
from tests.fixtures.link import Link, begin, current_position
from tests.fixtures.running import ServerFarm, eventually

ROW_MEGABYTES = 8
PATIENCE_SECONDS = 1800.0
FREE_GTIDS = {"gtid_mode": "OFF", "enforce_gtid_consistency": "OFF"}


def fill(origin: Server, megabytes: int) -> Position:
    """One transaction of that size; where the log ends just behind its file."""
    with open_session(origin) as session:
        execute(session, "CREATE DATABASE shop CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
        execute(session, "CREATE TABLE shop.t (id INT PRIMARY KEY)")
        execute(session, "CREATE DATABASE IF NOT EXISTS sterna")  # nothing of it is relayed
        execute(session, "CREATE TABLE sterna.filler (v LONGBLOB) ENGINE=BLACKHOLE")
        execute(session, "BEGIN")
        execute(session, "INSERT INTO shop.t VALUES (1)")
        for _ in range(megabytes // ROW_MEGABYTES):
            execute(session, f"INSERT INTO sterna.filler VALUES (REPEAT('x', {ROW_MEGABYTES}<<20))")
        execute(session, "INSERT INTO shop.t VALUES (2)")
        execute(session, "COMMIT")
        execute(session, "INSERT INTO shop.t VALUES (3)")
    return current_position(origin)


def soak(origin: Server, destination: Server, folder: Path, megabytes: int) -> None:
    """Follow, cut, follow again, compare."""
    begin(origin, destination)
    began = time.monotonic()
    fill(origin, megabytes)
    print(f"filled in {time.monotonic() - began:.0f} s", flush=True)

    def is_beyond(link: Link) -> bool:
        if link.failure is not None:
            raise link.failure
        return link.spool.end is not None and link.spool.end.offset_bytes > WRAP_BYTES

    with Link(origin, destination, folder) as link:
        eventually(lambda: is_beyond(link), within_seconds=PATIENCE_SECONDS)
        print(f"cut at {link.spool.end}", flush=True)
    with Link(origin, destination, folder) as link:
        link.caught_up(PATIENCE_SECONDS)
    assert_equal(origin, destination, ["shop"])
    print(f"equal after {time.monotonic() - began:.0f} s", flush=True)


def main() -> None:
    """A difference or a stop ends it with an error."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--origin", default="mysql 5.7")
    parser.add_argument("--megabytes", type=int, default=4500)
    options = parser.parse_args()
    farm = ServerFarm("sterna-large-log")
    try:
        settings = {} if "mariadb" in options.origin else FREE_GTIDS
        origin = farm.start(options.origin, **settings).server
        destination = farm.start("mysql 9.7").server
        with open_session(origin) as session:
            print(f"from {server_version(session)}", flush=True)
        with tempfile.TemporaryDirectory(dir=farm.folder) as folder:
            soak(origin, destination, Path(folder), options.megabytes)
    finally:
        farm.close()


if __name__ == "__main__":
    main()
