"""Every hazard arrives bit by bit, by copy and by relay, between every pair of versions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import pytest

from sterna.errors import SternaError
from tests.cases.hazards import Case, Outcome, Pair, read_cases
from tests.fixtures.running import RunningServer
from tests.fixtures.servers import SourceFactory

PAIRS = [("5.6", "9.7"), ("5.7", "9.7"), ("10.11", "9.7"), ("5.7", "5.7"), ("9.7", "9.7")]
# nobody pulls the plug here
HASTY = {"innodb_flush_log_at_trx_commit": "0", "sync_binlog": "0"}
PLAYED = [
    pytest.param(pair, case, id=f"{'-'.join(pair)}-{case.name}")
    for pair in PAIRS
    for case in read_cases()
    if pair[0] in case.expect["origins"]
]

ServerOf = Callable[[str, str], RunningServer]
Play = Callable[[tuple[str, str]], Outcome]


@pytest.fixture(scope="module")
def server_of(source_factory: SourceFactory) -> ServerOf:
    """`server_of("origin", "5.7")`: one server per role and version, for all pairs."""
    started: dict[tuple[str, str], RunningServer] = {}

    def find(role: str, version: str) -> RunningServer:
        if (role, version) not in started:
            started[role, version] = source_factory(version, **HASTY)
        return started[role, version]

    return find


@pytest.fixture(scope="module")
def play(server_of: ServerOf, tmp_path_factory: pytest.TempPathFactory) -> Play:
    """`play(("5.6", "9.7"))`: what became of each case; a pair is run once, all cases together."""

    @functools.cache
    def run(pair: tuple[str, str]) -> Outcome:
        here, there = server_of("origin", pair[0]), server_of("destination", pair[1])
        cases = [case for case in read_cases() if pair[0] in case.expect["origins"]]
        return Pair(here.server, there.server, tmp_path_factory.mktemp("cases")).run(cases)

    return run


def judge(case: Case, way: str, found: SternaError | AssertionError | None, to: str) -> None:
    """Fail unless what happened is what the case expects."""
    expected = case.refusal(way, to)
    code = found.code if isinstance(found, SternaError) else "Different" if found else ""
    if expected and code == expected:
        return
    assert not expected, f"{case.name} was to be refused as {expected}, not {found!r}"
    if found is not None:
        raise found


@pytest.mark.parametrize(("pair", "case"), PLAYED)
def test_by_copy(play: Play, pair: tuple[str, str], case: Case) -> None:
    """Copied before its changes and after them, a case is the same on both sides."""
    outcome = play(pair)
    judge(case, "copy", outcome.copied_first.get(case.name), pair[1])
    if found := outcome.copied.get(case.name):
        judge(case, "copy", found, pair[1])


@pytest.mark.parametrize(("pair", "case"), PLAYED)
def test_by_relay(play: Play, pair: tuple[str, str], case: Case) -> None:
    """Changed while it is being followed, a case is the same on both sides."""
    outcome = play(pair)
    assert case.name not in outcome.unwritable
    if case.name not in outcome.copied_first:  # else there is nothing to change
        judge(case, "relay", outcome.relayed.get(case.name), pair[1])


@pytest.mark.parametrize("older", ["5.6", "5.7", "10.11"])
def test_all_come_back(server_of: ServerOf, older: str, tmp_path: Path) -> None:
    """Copied to a 9.7 and changed there, a case is the same on the older server again; or it is
    said at once that it cannot be."""
    here, there = server_of("origin", older), server_of("destination", "9.7")
    cases = [case for case in read_cases() if older in case.expect["origins"]]
    outcome = Pair(here.server, there.server, tmp_path).run_back(cases)
    for case in cases:
        if case.name in outcome.copied_first:
            continue
        assert case.unwritable in str(outcome.unwritable.get(case.name, ""))
        assert case.unwritable or case.name not in outcome.unwritable
        way = "back" if case.refusal("back", older) else "relay"
        judge(case, way, outcome.relayed.get(case.name), older)
