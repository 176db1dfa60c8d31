"""The budget of a copy."""

from __future__ import annotations

import threading
import time

import pytest

from sterna.dataplane.pace import Pace, Rate


def test_a_rate_is_read_from_its_text() -> None:
    """Rows and bytes, each may be left out; anything else is refused."""
    assert Rate.parse("rows_per_second=10 bytes_per_second=0") == Rate(10, 0)
    assert Rate.parse("bytes_per_second=7") == Rate(0, 7)
    assert Rate.parse("") == Rate()
    for wrong in ("rows=1", "rows_per_second=-1", "rows_per_second=1 now", "fast"):
        with pytest.raises(ValueError):
            Rate.parse(wrong)


def test_all_workers_share_the_budget() -> None:
    """Two workers that move 1,000 rows in all at 2,000 a second need about half a second."""
    pace = Pace(2, Rate(rows_per_second=2000))

    def work() -> None:
        for _ in range(50):
            pace.pay(10, 0)
            while not pace.is_paid:
                pace.pay(0, 0)

    began = time.monotonic()
    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert 0.25 < time.monotonic() - began < 1.5


def test_whoever_waits_goes_on_under_the_new_budget() -> None:
    """A budget that would take an hour is lifted: nobody waits for the hour."""
    pace = Pace(1, Rate(bytes_per_second=1))
    pace.pay(0, 3600)
    assert not pace.is_paid
    pace.change(Rate())
    assert pace.is_paid
