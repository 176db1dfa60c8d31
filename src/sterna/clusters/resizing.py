"""A running server is given other sizes, without a restart; the next start finds them in my.cnf."""

from __future__ import annotations

import time
from collections.abc import Mapping

from sterna.errors import SternaError, Transient
from sterna.mysql.connection import Session, execute, query, scalar
from sterna.mysql.version import Version

RESIZE_SECONDS_MAX = 300.0
POLL_SECONDS = 0.2
POOL = "innodb_buffer_pool_size"


def can_resize(version: Version) -> bool:
    """Whether servers of this version change their buffer pool while they run."""
    return version.at_least(10, 2, 2) if version.is_mariadb else version.at_least(5, 7, 5)


def resize(session: Session, sizes: Mapping[str, str]) -> None:
    """Set these parameters, whole numbers, in their order; returns when the server has them.

    Raises:
        Transient: it still moves its pages, or lost the session; asked again, it goes on.
        SternaError: ResizeFailed; it keeps the pool it had.
    """
    for name, value in sizes.items():
        if int(scalar(session, f"SELECT @@GLOBAL.{name}")) != int(value):
            execute(session, f"SET GLOBAL {name} = {int(value)}")
    deadline = time.monotonic() + RESIZE_SECONDS_MAX
    while (status := _status(session)) and not status.startswith(("Completed", "Size did not")):
        if "fail" in status.lower():
            raise SternaError(
                f"The buffer pool could not be resized: {status}.",
                code="ResizeFailed",
                remedy="See the node's error log; is the memory of its machine used up?",
            )
        if time.monotonic() > deadline:
            raise Transient(f"The buffer pool is still being resized: {status}.")
        time.sleep(POLL_SECONDS)


def _status(session: Session) -> str:
    """What the server says of its last resizing; nothing where it has done none, or knows none."""
    rows = query(session, "SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_resize_status'")
    return str(rows[0][1]) if rows else ""
