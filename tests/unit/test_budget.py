"""How long applications may wait for a switch, whatever becomes of the clock."""

from __future__ import annotations

import time
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from sterna.migration.policy import SWITCH_BUDGET_SECONDS
from sterna.store.database import now
from sterna.workflow.steps.switching import OutOfTimeError, check_budget


def held(by_the_clock_seconds: float, really_seconds: float) -> Any:
    """A run whose applications have waited so long, by the clock on the wall and really."""
    held_at = now() - timedelta(seconds=by_the_clock_seconds)
    monotonic = time.monotonic() - really_seconds
    return SimpleNamespace(facts={"held_at": held_at.isoformat(), "held_monotonic": monotonic})


def test_nobody_waits_before_the_hold() -> None:
    """The whole budget is left."""
    run: Any = SimpleNamespace(facts={})
    assert check_budget(run) == SWITCH_BUDGET_SECONDS


def test_time_goes_by() -> None:
    """What is left is what has not been waited."""
    assert check_budget(held(10, 10)) == pytest.approx(SWITCH_BUDGET_SECONDS - 10, abs=5)


@pytest.mark.parametrize(
    ("by_the_clock_seconds", "really_seconds"),
    [
        (SWITCH_BUDGET_SECONDS, SWITCH_BUDGET_SECONDS),
        (-3600, SWITCH_BUDGET_SECONDS),  # the clock was set back
        (3600, 1),  # it was set forward: undone too early, which harms nobody
        (SWITCH_BUDGET_SECONDS, -1000),  # the machine was started anew meanwhile
    ],
)
def test_the_budget_ends(by_the_clock_seconds: float, really_seconds: float) -> None:
    """The longer of both counts."""
    with pytest.raises(OutOfTimeError, match="held for 30 s"):
        check_budget(held(by_the_clock_seconds, really_seconds))
