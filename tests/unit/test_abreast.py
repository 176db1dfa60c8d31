"""Whoever looks after something does not end by what he finds."""

from __future__ import annotations

import threading

from sterna.errors import Refused
from sterna.workflow.abreast import Abreast
from sterna.workflow.ticker import Ticker
from tests.fixtures.running import eventually


def test_nothing_that_is_met_ends_the_looking() -> None:
    """Errors that are expected and others alike: the next look comes, and so do the other looks."""
    met: list[str] = []

    def meet(error: Exception) -> None:
        met.append(type(error).__name__)
        raise error

    hand = Ticker("hand", lambda: meet(ValueError("nobody thought of")), interval_seconds=0.01)
    hand.start()
    eventually(lambda: met.count("ValueError") > 2)
    hand.stop()
    hand.join()
    assert hand not in threading.enumerate()
    many = Abreast("many")
    errors = (KeyError("a"), Refused("No.", code="No", remedy="None."), OSError("gone"))
    for _ in range(2):
        looks = {str(n): lambda error=each: meet(error) for n, each in enumerate(errors)}
        many.look(looks, within_seconds=5)
    many.close()
    assert [met.count(name) for name in ("KeyError", "Refused", "OSError")] == [2, 2, 2]
