"""The whole way, there, back, there again and to the end, while a bank is at work."""

from __future__ import annotations

import pytest

from tests.acceptance.sides import Witness
from tests.acceptance.stage import (
    Stage,
    accounts_of,
    databases_of,
    enabled_events,
    is_read_only,
    open_stage,
)
from tests.fixtures.running import ServerFarm

TARGET = "9.7"


@pytest.mark.parametrize("series", ["5.7", "5.6", "10.11"])
def test_the_bank_moves_there_and_back_and_loses_nothing(farm: ServerFarm, series: str) -> None:
    """Upgrade, switch, roll back, switch, complete: one address, every promise kept, one owner."""
    with open_stage(farm, series) as stage, stage.open_hours():
        before = accounts_of(stage.source.server), databases_of(stage.source.server)
        addresses = addresses_of(stage)
        stage.supply_passwords()
        stage.upgrade(TARGET)
        assert_writes_are_on(stage, "source")
        with Witness(stage.source.server, stage.cluster) as witness:
            move(stage, "switch-over", "--with-endpoints", to="cluster")
            move(stage, "roll-back", to="source")
            stage.verify()
            move(stage, "switch-over", "--with-endpoints", to="cluster")
        assert witness.doubly_writable == 0
        assert witness.seen >= {(True, False), (False, True)}, witness.samples
        stage.close_bank()
        stage.assert_sides_equal()
        assert accounts_of(stage.cluster) >= {("app", "%"), ("report", "%"), ("root", "%")}
        stage.do("complete", "--yes")
        assert_completed(stage)
        assert (accounts_of(stage.source.server), databases_of(stage.source.server)) == before
        assert addresses_of(stage) == addresses
        stage.open_bank()
        stage.wait_for_writes()
        stage.close_bank()
        stage.assert_promises_kept(stage.cluster)


def move(stage: Stage, verb: str, *options: str, to: str) -> None:
    """Switch or roll back; then the bank works on, and the new owner has kept every promise."""
    stage.do(verb, *options, "--yes")
    assert_writes_are_on(stage, to)
    stage.wait_for_writes()
    stage.assert_promises_kept(stage.cluster if to == "cluster" else stage.source)
    stage.wait_until_in_step()


def assert_writes_are_on(stage: Stage, owner: str) -> None:
    """One side is writable and has the events, the other has neither; the product knows."""
    source, cluster = stage.source.server, stage.cluster
    with_writes, without = (source, cluster) if owner == "source" else (cluster, source)
    assert (is_read_only(with_writes), is_read_only(without)) == (False, True)
    assert (enabled_events(with_writes), enabled_events(without)) == ({"nightly"}, set())
    modes = ("rw", "ro") if owner == "source" else ("ro", "rw")
    migration = stage.migration
    assert (migration["source_mode"], migration["cluster_mode"]) == modes
    # A switch ends only when the way back is open.
    ready = (migration["rollback_ready"], migration["rollback_blocked_because"])
    assert ready == ((None, "") if owner == "source" else (True, ""))


def assert_completed(stage: Stage) -> None:
    """The source is closed and the way back with it; the cluster is open."""
    migration = stage.migration
    assert (migration["status"], migration["topology"]) == ("NO_MIGRATION", "")
    assert is_read_only(stage.source.server)
    assert not is_read_only(stage.cluster)
    assert "sterna" not in databases_of(stage.cluster)
    assert stage.product.run("roll-back", stage.cluster_id, "--yes").code == 3


def addresses_of(stage: Stage) -> list[tuple[str, str, int]]:
    """What applications are configured with."""
    return [(e["id"], e["host"], e["port"]) for e in stage.endpoints(stage.instance_id)]
