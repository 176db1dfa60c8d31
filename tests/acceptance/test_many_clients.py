"""Many clients, each with its own connection: there, back and there again, under kills."""

from __future__ import annotations

import os

from demo.ledger import longest_gap_ms, read_ledger
from tests.acceptance.sides import Witness
from tests.acceptance.stage import Stage, open_stage
from tests.acceptance.test_crash import kill
from tests.fixtures.running import ServerFarm

CLIENTS, TRANSFERS_PER_SECOND_AND_CLIENT = int(os.environ.get("CLIENTS", "40")), 2.0
OUTAGE_MS_MAX = 10_000  # a slow machine; `make bench-switch` measures


def test_no_write_of_many_clients_is_lost(
    farm: ServerFarm,
) -> None:
    """Every acknowledged transfer is there once, on whoever has the writes, whatever was killed."""
    with open_stage(farm, "5.7") as stage:
        stage.threads, stage.pace = CLIENTS, TRANSFERS_PER_SECOND_AND_CLIENT
        stage.supply_passwords()
        with stage.open_hours():
            stage.upgrade("9.7")
            with Witness(stage.source.server, stage.cluster) as witness:
                move(stage, "switch-over", "--with-endpoints")
                kill(stage, "task")
                stage.wait_until_in_step()
                move(stage, "roll-back")
                kill(stage, "server")
                stage.wait_until_in_step()
                stage.verify()
                move(stage, "switch-over", "--with-endpoints")
            assert witness.doubly_writable == 0
        stage.assert_sides_equal()
        assert len(read_ledger(stage.ledger).acknowledged_at) > 10 * CLIENTS


def move(stage: Stage, verb: str, *options: str) -> None:
    """Move the writes under load, and let the new owner be judged."""
    began = read_ledger(stage.ledger).acknowledged_at[-1]
    stage.do(verb, *options, "--yes")
    stage.wait_for_writes(2 * CLIENTS)
    ended = read_ledger(stage.ledger).acknowledged_at[-1]
    owner = stage.cluster if verb == "switch-over" else stage.source
    stage.assert_promises_kept(owner)
    assert longest_gap_ms(stage.ledger, began, ended) < OUTAGE_MS_MAX
