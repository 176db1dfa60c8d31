"""Who should have the writes is said only where everything that speaks for a side agrees."""

from __future__ import annotations

import dataclasses
from itertools import product

import pytest

from sterna.store.records import SideProbe
from sterna.workflow.probing import recommend

STATES = ("open", "closed", "away")
WORDS = ("source", "cluster")
NOBODY = ""

AWAY = SideProbe(
    word="source",
    id="rm-1",
    address="a:1",
    reachable=False,
    error="it is away",
    read_only=None,
    position="",
    last_write_at=None,
    sessions=(),
    endpoints=(),
    checkpoint_position="",
    checkpoint_epoch=0,
)


def side(word: str, state: str) -> SideProbe:
    """A side as it answers."""
    found = dataclasses.replace(AWAY, word=word)
    if state == "away":
        return found
    return dataclasses.replace(found, reachable=True, error="", read_only=state == "closed")


@pytest.mark.parametrize(("source", "cluster"), list(product(STATES, STATES)))
@pytest.mark.parametrize("says", [NOBODY, *WORDS])
@pytest.mark.parametrize("store_says", [NOBODY, *WORDS])
def test_every_combination(source: str, cluster: str, says: str, store_says: str) -> None:
    """Nobody is named while a side is away, or where one thing speaks for the other side."""
    both = (side("source", source), side("cluster", cluster))
    recommended, because = recommend(both, says, store_says)
    assert because
    opened = [word for word, state in zip(WORDS, (source, cluster), strict=True) if state == "open"]
    if "away" in (source, cluster):
        assert recommended == NOBODY
        assert "cannot be asked" in because[0]
        return
    speaking = {*opened, says, store_says} if len(opened) == 1 else {says, store_says}
    if len(speaking - {NOBODY}) > 1:
        assert (recommended, because[-1]) == (NOBODY, "these do not agree: look at the data")
    elif says or len(opened) == 1:
        assert {recommended} == speaking - {NOBODY}
    else:
        assert recommended == NOBODY, "the store alone may be older than it can know"


def test_a_switch_that_found_two_owners() -> None:
    """The cluster was opened and written to, its way back is not: no checkpoint speaks for it."""
    both = (side("source", "open"), side("cluster", "open"))
    assert recommend(both, "source", "cluster")[0] == NOBODY
    restarted = (side("source", "open"), side("cluster", "closed"))
    assert recommend(restarted, "source", "cluster")[0] == NOBODY


def test_an_old_store_is_not_asked() -> None:
    """The servers remember more than it does, and agree."""
    both = (side("source", "closed"), side("cluster", "open"))
    assert recommend(both, "cluster", NOBODY)[0] == "cluster"
