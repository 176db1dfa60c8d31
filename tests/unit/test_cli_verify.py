"""What `sterna verify` prints and how it exits."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator

import pytest

from sterna.cli.app import main
from tests.fixtures import pretend_service
from tests.fixtures.pretend_service import PretendService, serving

Run = Callable[..., int]


@pytest.fixture
def service() -> PretendService:
    """What the command talks to."""
    return PretendService()


@pytest.fixture
def run(service: PretendService, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run one command against the pretend service; its exit code."""
    with serving(service) as server:
        monkeypatch.setenv("STERNA_URL", server.url)
        monkeypatch.setenv("STERNA_TOKEN", pretend_service.TOKEN)
        yield lambda *words: main(lambda: None, words)


def test_differences_are_shown_and_make_the_exit_code_1(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who waits sees tables, rows, columns and values, and a script sees it by the exit code."""
    assert run("verify", "pc-1", "--wait", "--values") == 1
    out = capsys.readouterr().out
    for word in (
        "bank.account",
        "id = 7",
        "different",
        "balance = 1",
        "balance = NULL",
        "5 rows/s",
    ):
        assert word in out


def test_json_has_the_pass_its_tables_and_the_differences(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """One document for scripts."""
    assert run("verify", "pc-1", "--wait", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["verification"]["state"] == "different"
    assert found["differences"]["items"][0]["key"] == "id = 7"
    assert found["tables"][0]["table"] == "account"


def test_only_what_was_asked_for_is_shown(
    run: Run, service: PretendService, capsys: pytest.CaptureFixture[str]
) -> None:
    """The names of tables, and how a page is wanted, reach the service."""
    run("verify", "pc-1", "--wait", "--table", "bank.account")
    asked = next(call[1] for call in service.calls if call[0] == "differences")
    assert asked == {"tables": ["bank.account"], "offset": 0, "limit": 100}
    assert run("task", "tables", "dts1", "--state", "copying", "--offset", "3", "--json") == 0
    assert '"offset":3' in capsys.readouterr().out


def test_a_value_does_not_move_the_cursor(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows are somebody else's: what would steer a terminal is printed as its number."""
    wild = dataclasses.replace(pretend_service.DIFFERENCE, key="id = \x1b[2J\x00\x9b")
    monkeypatch.setattr(pretend_service, "DIFFERENCE", wild)
    run("verify", "pc-1", "--dry-run")
    assert r"id = \x1b[2J\x00\x9b" in capsys.readouterr().out


def test_clean_pass_exits_0(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing differs, nothing to say."""
    clean = dataclasses.replace(pretend_service.VERIFICATION, state="clean", differences=0)
    monkeypatch.setattr(pretend_service, "VERIFICATION", clean)
    assert run("verify", "pc-1", "--wait") == 0


def test_failed_pass_is_an_error(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pass that did not end is neither clean nor different."""
    failed = dataclasses.replace(
        pretend_service.VERIFICATION, state="failed", problem="The disk is full."
    )
    monkeypatch.setattr(pretend_service, "VERIFICATION", failed)
    assert run("verify", "pc-1", "--wait", "--json") == 1
    error = json.loads(capsys.readouterr().err)
    assert (error["code"], "The disk is full." in error["message"]) == ("VerificationFailed", True)


def test_repair_asks_first(run: Run, service: PretendService) -> None:
    """Where nobody can be asked, nothing is repaired; --yes is an answer."""
    assert run("verify", "pc-1", "--repair") == 2
    assert not any(call[0] == "verify" for call in service.calls)
    assert run("verify", "pc-1", "--repair", "--yes", "--table", "bank.account") == 0
    given = next(call[2] for call in service.calls if call[0] == "verify")
    assert given == {"tables": ("bank.account",), "repair": True, "values": False}


def test_dry_run_orders_nothing(run: Run, service: PretendService) -> None:
    """It shows what differed last and touches nothing."""
    assert run("verify", "pc-1", "--repair", "--dry-run") == 1
    assert not any(call[0] == "verify" for call in service.calls)
