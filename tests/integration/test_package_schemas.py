"""Schemas nobody here wrote arrive whole: those of Debian packages, with their objects.

The suite carries a few from 5.7; `make soak-schemas` all of them from every version, with rows.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sterna.mysql.connection import open_session
from sterna.prechecks import Context, run_prechecks
from sterna.workflow.evaluation import table_converter
from tests.fixtures.compare import assert_equal
from tests.fixtures.definitions import assert_same_definitions, count_definitions
from tests.fixtures.packages import PACKAGES, load
from tests.fixtures.precheck_source import MYSQL_97
from tests.fixtures.running import RunningServer, wipe
from tests.fixtures.task import RunningTask, read_only, task_spec

ALL = bool(os.environ.get("SCHEMAS_ALL"))
ORIGINS = ["mysql56", "mysql57", "mariadb1011"] if ALL else ["mysql57"]
QUICK = {"zabbix-server-mysql", "kea-admin", "pdns-backend-mysql"}
CARRIED_MIN = 6 if ALL else len(QUICK)
CATCH_UP_SECONDS = 600


@pytest.mark.parametrize("origin", ORIGINS)
def test_package_schemas(
    origin: str, mysql97: RunningServer, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Tables, keys, foreign keys, views, routines, triggers and rows are the same on 9.7, and
    nothing of them is an error of a precheck."""
    source: RunningServer = request.getfixturevalue(origin)
    wipe(source.server)
    wipe(mysql97.server)
    chosen = [package for package in PACKAGES if ALL or package.name in QUICK]
    refused = {p.name: load(p, source.server, with_data=ALL) for p in chosen}
    carried = [package.database for package in chosen if not refused[package.name]]
    print("refused by the origin:", [words for words in refused.values() if words])
    assert len(carried) >= CARRIED_MIN, refused
    with open_session(source.server) as session:
        context = Context(session, MYSQL_97, convert=table_converter(session, MYSQL_97))
        errors = [found for found in run_prechecks(context) if found.severity == "error"]
    assert errors == []
    spec = task_spec(source.server, mysql97.server, tmp_path)
    with read_only(mysql97.server), RunningTask(spec) as task:
        task.caught_up(within_seconds=CATCH_UP_SECONDS)
    counted = count_definitions(source.server, carried)
    assert counted["column"] > 1000
    assert counted["foreign key"] > 100
    assert_same_definitions(source.server, mysql97.server, carried)
    assert_equal(source.server, mysql97.server, carried)
    print("compared:", origin, carried, counted)
