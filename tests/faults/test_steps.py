"""Every step of the exchange of roles: done twice, failed before and after, undone twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from sterna.errors import Refused
from sterna.migration.status import Status
from sterna.mysql.connection import open_session, query
from sterna.workflow.engine import outline
from sterna.workflow.pairing import routes_after
from sterna.workflow.watch import Watch
from tests.faults.cast import Cast, open_cast
from tests.fixtures.running import eventually

SWITCH_STEPS = [each.title for each in outline("switch_over", {"with_endpoints": True})]
COMMIT = next(n for n, title in enumerate(SWITCH_STEPS) if title.startswith("Point of no return"))
BEFORE_COMMIT = range(COMMIT)


@pytest.fixture(scope="module")
def cast() -> Iterator[Cast]:
    """A source with an event, and its cluster."""
    with open_cast() as cast:
        yield cast


@pytest.mark.parametrize("number", BEFORE_COMMIT, ids=lambda n: SWITCH_STEPS[n][:40])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_failed_switch_leaves_everything_as_it_was(cast: Cast, number: int, moment: str) -> None:
    """Whichever step fails before the point of no return, both sides are exactly as before."""
    cast.wait_until_ready()
    before = cast.world()
    cast.engine.fail = (number, moment)
    cast.service.switch_over(cast.cluster_id, with_endpoints=True)
    assert cast.world() == before
    rows = cast.count()[0]
    cast.write(rows + 1)
    eventually(lambda: cast.count() == (rows + 1, rows + 1), within_seconds=60)


def test_steps_done_twice_end_as_done_once(cast: Cast) -> None:
    """Switchover and rollback with every step done twice: the writes are where they belong."""
    cast.wait_until_ready()
    before = cast.world()
    cast.engine.fail = None
    cast.service.switch_over(cast.cluster_id, with_endpoints=True)
    after = cast.world()
    assert dict(after["source"]["variables"])["read_only"] == "ON"
    assert dict(after["cluster"]["variables"])["read_only"] == "OFF"
    assert after["source"]["events"][0][1] == "DISABLED"
    assert after["cluster"]["events"][0][1] == "ENABLED"
    rows = cast.count()[0]
    cast.write(rows + 1)
    eventually(lambda: cast.count() == (rows + 1, rows + 1), within_seconds=30)
    cast.wait_until_ready()
    cast.service.roll_back(cast.cluster_id)
    back = cast.world()
    sterna = back["source"].pop("databases"), before["source"].pop("databases")
    assert {*sterna[0]} - {*sterna[1]} == {("sterna",)}
    kept = back.pop("parameters"), before.pop("parameters")
    assert kept[0] == {**kept[1], "read_only": "ON", "event_scheduler": "OFF"}
    assert back == before
    cast.write(rows + 2)
    eventually(lambda: cast.count() == (rows + 2, rows + 2), within_seconds=30)


def test_migration_expires_by_itself(cast: Cast) -> None:
    """After thirty days, warned three times, the link is cut; the writes stay where they were."""
    watch = Watch(cast.tools, cast.service.expire)
    look_at_dates = watch.looks()[-1]
    expires_at = cast.service.migration(cast.cluster_id).expires_at
    for days_left in (8, 6.9, 6.8, 2.9, 0.9):
        cast.tools.clock = lambda left=days_left: expires_at - timedelta(days=left)
        look_at_dates()
    history = cast.service.migration(cast.cluster_id).history
    warnings = [entry.step for entry in history if entry.step.startswith("expiry")]
    assert warnings == ["expiry_7", "expiry_3", "expiry_1"]
    cast.tools.clock = lambda: expires_at
    look_at_dates()
    migration = cast.service.migration(cast.cluster_id)
    assert migration.status == "NO_MIGRATION"
    assert (migration.source_mode, migration.cluster_mode) == ("rw", "ro")
    for side in (cast.tools.source, cast.tools.cluster):
        with open_session(side(cast.cluster_id).server) as session:
            assert ("sterna",) not in query(session, "SHOW DATABASES")
    opened = cast.service.open_cluster(cast.cluster_id)
    assert (opened.source_mode, opened.cluster_mode) == ("rw", "rw")
    node = cast.tools.node_spec(cast.cluster_id, cast.tools.writer(cast.cluster_id))
    cast.tools.provisioner.restart_node(node)
    with open_session(cast.tools.cluster(cast.cluster_id).server) as session:
        assert query(session, "SELECT @@GLOBAL.read_only") == [(0,)]
    with pytest.raises(Refused, match="takes writes already"):
        cast.service.open_cluster(cast.cluster_id)
    assert_endpoints_after_expiry(cast)


def assert_endpoints_after_expiry(cast: Cast) -> None:
    """Had the writes moved with endpoints, the cluster's own no longer lead to the source."""
    cast.tools.journal.change_migration(cast.cluster_id, status=Status.REVERSED)
    exchanged = routes_after(cast.tools, cast.cluster_id, "switch_over", None)
    cast.tools.inventory.set_routes(exchanged)
    node = cast.tools.writer(cast.cluster_id)
    cluster = (f"{node.host}:{node.port}",)
    assert set(exchanged.values()) > {cluster}
    cast.service.expire(cast.cluster_id)
    assert {endpoint.routes_to for endpoint in cast.service.endpoints()} == {cluster}
