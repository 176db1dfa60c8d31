"""Sources for the tests of prechecks: shared servers, emptied before each test."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest

from sterna.prechecks import Check, Finding
from sterna.prechecks.base import Severity
from tests.fixtures.precheck_source import Source, prepared
from tests.fixtures.running import RunningServer
from tools.write_precheck_reference import EXAMPLES

SOURCES = ["mysql56", "mysql57", "mysql97", "mariadb1011"]
UNSEEN = ("rows", "definitions")
KEPT = ("check", "severity", "object", "message", "remedy")


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest) -> Iterator[Source]:
    """A source of every kind."""
    running: RunningServer = request.getfixturevalue(request.param)
    with prepared(running.server) as found:
        yield found


@pytest.fixture
def source57(mysql57: RunningServer) -> Iterator[Source]:
    """A 5.7."""
    with prepared(mysql57.server) as found:
        yield found


@pytest.fixture
def mariadb(mariadb1011: RunningServer) -> Iterator[Source]:
    """A MariaDB."""
    with prepared(mariadb1011.server) as found:
        yield found


@pytest.fixture(scope="session", autouse=True)
def examples() -> Iterator[None]:
    """With PRECHECK_EXAMPLES=1, the first finding of each kind is kept for the documentation."""
    if not os.environ.get("PRECHECK_EXAMPLES"):
        yield
        return
    found: dict[tuple[str, str], dict[str, str]] = {}
    make = Check._finding

    def keep(check: Check, severity: Severity, *arguments: Any) -> Finding:
        finding = make(check, severity, *arguments)
        # Not what every check can say: that it could not look, or not at all rows.
        if "could not be made" not in finding.message and finding.object not in UNSEEN:
            row = {name: value for name, value in asdict(finding).items() if name in KEPT}
            found.setdefault((check.name, severity), row)
        return finding

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Check, "_finding", keep)
        yield
    rows = [found[key] for key in sorted(found)]
    EXAMPLES.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
