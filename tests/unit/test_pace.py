"""The budget of a copy."""

from __future__ import annotations

import threading
import time

from sterna.dataplane.pace import Pace, Rate, StreamPace


def test_a_rate_is_as_slow_as_its_tightest_limit() -> None:
    """Of rows, bytes and queries the one that takes longest counts; 0 is no limit."""
    assert Rate(10, 1000, 2).seconds(5, 100, 3) == 1.5
    assert Rate(10, 0, 2).seconds(20, 10**9, 3) == 2.0
    assert Rate().seconds(10**9, 10**9, 10**9) == 0.0
    assert str(Rate(10000, 0, 2)) == "10,000 rows/s, 2 queries/s"


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


def test_queries_are_paid_for_as_rows_are() -> None:
    """Ten queries at 20 a second take half a second, less the burst."""
    pace = Pace(1, Rate(queries_per_second=20))
    began = time.monotonic()
    for _ in range(10):
        pace.settle(0, 0, queries=1, stop=threading.Event())
    assert 0.25 < time.monotonic() - began < 1.0
    assert (pace.queries, pace.held_seconds > 0.2) == (10, True)


def test_a_worker_rests_for_its_share() -> None:
    """At a quarter of full speed 0.1 s of work is followed by 0.3 s of rest, without a budget."""
    pace, stop = Pace(1), threading.Event()
    pace.settle(1, 1, stop=stop)
    pace.slow_down(0.25)
    began = time.monotonic()
    stop.wait(0.1)
    pace.settle(1, 1, stop=stop)
    assert 0.39 < time.monotonic() - began < 0.8
    assert pace.held_seconds == 0


def test_a_rest_ends_when_full_speed_is_allowed() -> None:
    """A worker that rests goes on at once."""
    pace, stop = Pace(1), threading.Event()
    pace.pay(1, 1)
    pace.slow_down(0.001)
    stop.wait(0.05)
    pace.pay(1, 1)
    assert not pace.is_paid
    pace.slow_down(1.0)
    assert pace.is_paid


def test_a_budget_shrinks_with_the_share() -> None:
    """A limited worker is slowed down as much as one that is not."""
    pace = Pace(1, Rate(rows_per_second=1000))
    pace.slow_down(0.1)
    pace.pay(1000, 0)
    pace.slow_down(0.5)
    pace.slow_down(1.0)
    assert not pace.is_paid
    began = time.monotonic()
    while not pace.is_paid:
        pace.pay(0, 0)
    assert 0.5 < time.monotonic() - began < 1.5


def test_waiting_ends_with_the_work() -> None:
    """A budget that would take an hour does not keep a worker that was asked to stop."""
    pace, stop = StreamPace(Rate(rows_per_second=1)), threading.Event()
    stop.set()
    pace.commit(2, 3600, 10, stop)
    assert (pace.transactions, pace.rows, pace.bytes, pace.windows) == (2, 3600, 10, 1)


def test_a_window_is_enough_at_a_quarter_of_a_second() -> None:
    """A limited stream commits small windows, so that its speed is even."""
    pace = StreamPace(Rate(rows_per_second=100))
    assert pace.is_enough(25, 0)
    assert not pace.is_enough(24, 10**9)
    assert not StreamPace().is_enough(10**9, 10**9)
