"""The forecast of a copy, by a clock that is turned by hand."""

from __future__ import annotations

import random
from contextlib import ExitStack

import pytest

from sterna.dataplane.copy_eta import Forecast


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def forecast_of(clock: Clock) -> Forecast:
    forecast = Forecast(clock=clock)
    forecast.begin_round(2, rows=0, octets=0)
    return forecast


def run(
    real: list[int], estimated: list[float], *, index_seconds: float = 0.0
) -> list[tuple[float, float]]:
    """Copy ranges with two workers at 10,000 rows/s each; (when, ETA it had) at every step, and
    when all was done."""
    clock = Clock()
    forecast = forecast_of(clock)
    table = forecast.table(
        dict(enumerate(estimated)), row_bytes=100, indexes=1 if index_seconds else 0
    )
    waiting = dict(enumerate(real))
    busy: dict[int, int] = {}
    workers: dict[int, ExitStack] = {}
    said: list[tuple[float, float]] = []
    while waiting or busy:
        while waiting and len(busy) < 2:
            number = min(waiting)
            busy[number] = waiting.pop(number)
            workers[number] = ExitStack()
            workers[number].enter_context(table.moving())
        clock.now += 0.1
        for number in list(busy):
            rows = min(busy[number], 1000)
            table.sent(number, rows, rows * 200)
            busy[number] -= rows
            if not busy[number]:
                table.finish(number, real[number], real[number] * 200)
                del busy[number]
                workers[number].close()
        said.append((clock.now, forecast.estimate().seconds_left or 0.0))
    if index_seconds:
        table.index()
        clock.now += index_seconds
    table.complete()
    return [(clock.now - when, eta) for when, eta in said]


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
def test_a_wrong_estimate_is_corrected_by_finished_ranges(factor: float) -> None:
    """The origin thinks of half or twice the rows: right within 20 % after the first tenth."""
    chance = random.Random(3)
    real = [int(chance.uniform(0.7, 1.3) * 4000) for _ in range(40)]
    said = run(real, [4000 * factor] * 40)
    for left, eta in said[len(said) // 10 : -len(said) // 10]:
        assert eta == pytest.approx(left, rel=0.2, abs=0.3)


def test_indexes_are_foretold() -> None:
    """The time indexes take is part of it from the start, as a share of what the rows took."""
    said = run([4000] * 40, [4000.0] * 40, index_seconds=16.0 * 0.15)
    for left, eta in said[len(said) // 10 :]:
        assert eta == pytest.approx(left, rel=0.2, abs=0.3)


def test_one_long_table_at_the_end_counts_alone() -> None:
    """What only one worker can move is not divided by two."""
    clock = Clock()
    forecast = forecast_of(clock)
    table = forecast.table({0: 10_000}, row_bytes=100, indexes=0)
    with table.moving():
        clock.now = 1.0
        table.sent(0, 1000, 100_000)
    assert forecast.estimate().seconds_left == pytest.approx(9.0, rel=0.4)
    assert forecast.estimate().rows_left == 9000


def test_nothing_is_said_while_nothing_is_known() -> None:
    """Before the first byte there is no guess."""
    forecast = forecast_of(Clock())
    forecast.table({0: 10_000}, row_bytes=100, indexes=0)
    assert forecast.estimate().seconds_left is None


def test_tables_without_indexes_teach_nothing_of_them() -> None:
    """What many small tables take at their end is not taken for the time of an index."""
    clock = Clock()
    forecast = forecast_of(clock)
    before = forecast.index_share
    for _ in range(100):
        table = forecast.table({0: 1}, row_bytes=100, indexes=0)
        with table.moving():
            clock.now += 0.01
            table.sent(0, 1, 100)
        table.finish(0, 1, 100)
        table.index()
        clock.now += 1.0
        table.complete()
    assert forecast.index_share == before
    assert forecast.estimate().rows_moved == 100


def test_a_long_copy_is_forecast_in_little_memory() -> None:
    """However many rows are sent, few samples are kept, and the speed is that of late."""
    clock = Clock()
    forecast = forecast_of(clock)
    table = forecast.table({0: 10_000_000}, row_bytes=100, indexes=0)
    with table.moving():
        for number in range(100_000):
            clock.now += 0.01 if number < 50_000 else 0.02
            table.sent(0, 10, 1000)
    assert len(forecast._samples) < 250
    assert forecast.speed == pytest.approx(50_000, rel=0.1)
