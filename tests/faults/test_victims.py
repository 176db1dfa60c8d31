"""A server, the proxy or a network breaks in the middle of a switch: undone, or finished."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.victims import STEPS, VICTIMS, Case, Victims, open_victims


def step(beginning: str) -> int:
    """Number of the step whose title begins so."""
    return next(n for n, title in enumerate(STEPS) if title.startswith(beginning))


# Each victim once before the point of no return and once after it; `make soak-switch` plays all.
CASES = (
    Case("switch_over", step("Read the position"), "source"),
    Case("switch_over", step("Make the leaving side"), "source network"),
    Case("switch_over", step("Wait until the arriving side"), "cluster"),
    Case("switch_over", step("Release the waiting"), "cluster"),
    Case("roll_back", step("Silence the events"), "cluster"),
    Case("roll_back", step("Make the leaving side"), "proxy"),
    Case("roll_back", step("Open the arriving side"), "cluster network"),
    Case("switch_over", step("Exchange the endpoints"), "proxy"),
    Case("roll_back", step("Keep the position"), "cluster network"),
    Case("roll_back", step("Release the waiting"), "source network"),
    Case("switch_over", step("Measure the write outage"), "source"),
)


@pytest.fixture(scope="module")
def victims() -> Iterator[Victims]:
    """A migration in sync, and things that break."""
    with open_victims() as victims:
        yield victims


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_switch_is_undone_or_finished(victims: Victims, case: Case) -> None:
    """Exactly as before or done; never two owners; the next write is on both sides."""
    outcome = victims.play(case)
    committed = step("Point of no return")
    if case.number > committed:
        assert outcome == "finished"


def test_every_victim_dies_before_and_after_the_point_of_no_return() -> None:
    """The selection covers all kinds."""
    committed = step("Point of no return")
    seen = {(case.victim, case.number > committed) for case in CASES}
    assert seen == {(victim, after) for victim in VICTIMS for after in (False, True)}
