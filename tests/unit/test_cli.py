"""The command line against a server with a pretended service."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sterna.cli.app import main
from sterna.workflow.wishes import ClusterWish
from tests.fixtures.pretend_service import (
    EVALUATION,
    FINDING,
    TOKEN,
    PretendService,
    Serving,
    serving,
)

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def service() -> PretendService:
    """The service the commands reach."""
    return PretendService()


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    """One server for all tests here; each puts its own service behind it."""
    with serving(PretendService()) as server:
        yield server


@pytest.fixture
def run(
    server: Serving,
    service: PretendService,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Runs one command; exit code, standard output, standard error."""
    server.app.state.service = service
    monkeypatch.setenv("STERNA_URL", server.url)
    monkeypatch.setenv("STERNA_TOKEN", TOKEN)
    return _runner(capsys)


def _runner(capsys: pytest.CaptureFixture[str]) -> Run:
    def run_one(*arguments: str) -> tuple[int, str, str]:
        code = main(lambda: None, arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run_one


READING = [
    ("engine", "list"),
    ("instance", "list"),
    ("instance", "show", "rm-1"),
    ("evaluate", "rm-1", "--version", "9.7.4"),
    ("evaluation", "list", "rm-1"),
    ("evaluation", "show", "rm-1", "ev-1"),
    ("evaluation", "fix", "rm-1", "packet_size", "--dry-run"),
    ("evaluation", "fix", "rm-1", "packet_size", "--yes"),
    ("account", "list", "rm-1", "--version", "9.7.4"),
    ("migration", "list"),
    ("migration", "show", "pc-1"),
    ("cluster", "list"),
    ("cluster", "show", "pc-1"),
    ("cluster", "parameters", "pc-1", "--differing"),
    ("cluster", "inherited", "pc-1"),
    ("endpoint", "list"),
    ("endpoint", "list", "rm-1"),
    ("endpoint", "actions", "rm-1"),
    ("task", "show", "dts1"),
    ("task", "tables", "dts1", "--state", "copying", "--sort", "eta"),
    ("task", "log", "dts1", "--warnings"),
    ("task", "rate", "dts1"),
    ("task", "rate", "pc-1", "--full-rows-per-second", "500", "--no-back-off"),
    ("task", "metrics", "pc-1", "--seconds", "30"),
    ("explain",),
    ("explain", "switch_over"),
    ("positions", "pc-1"),
    ("positions", "pc-1", "--at", "bin.000001:4", "--of", "cluster"),
    ("verify", "pc-1"),
    ("verify", "pc-1", "--table", "bank.account", "--repair", "--values", "--yes"),
    ("upgrade", "rm-1", "--version", "9.7.4"),
    ("upgrade", "rm-1", "--version", "9.7.4", "--wait"),
    ("continue", "pc-1"),
    ("switch-over", "pc-1", "--with-endpoints", "--dry-run"),
    ("switch-over", "pc-1", "--with-endpoints", "--yes"),
    ("switch-over", "pc-1", "--with-endpoints", "--wait-for-transactions", "5", "--yes"),
    ("roll-back", "pc-1", "--end-transactions", "--yes"),
    ("roll-back", "pc-1", "--dry-run"),
    ("roll-back", "pc-1", "--yes", "--no-wait"),
    ("complete", "pc-1", "--disable-binlog", "--dry-run"),
    ("cancel", "pc-1", "--dry-run"),
    ("cancel", "pc-1", "--yes"),
    ("give-up", "pc-1", "--dry-run"),
    ("give-up", "pc-1", "--yes"),
    ("cluster", "open", "pc-1", "--yes"),
    ("instance", "release", "rm-1", "--yes"),
    ("account", "leave-out", "rm-1", "'app'@'%'"),
    ("switch-over", "pc-1", "--with-endpoints", "--at", "2027-01-31T02:00+01:00", "--yes"),
    ("complete", "pc-1", "--disable-binlog", "--at", "2027-01-31T02:00+01:00", "--yes"),
    ("migration", "resolve", "pc-1"),
    ("migration", "resolve", "pc-1", "--writes-are-on", "cluster", "--yes"),
    ("schedule", "list"),
    ("schedule", "cancel", "sc-1"),
    ("hook", "add", "--on", "before", "--url", "https://example.org/hook"),
    ("hook", "list"),
    ("hook", "test", "hk-1"),
    ("hook", "remove", "hk-1"),
]


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_json_is_one_document(run: Run, command: tuple[str, ...]) -> None:
    """With --json standard output is one JSON document and nothing else."""
    code, out, err = run(*command, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) not in ({}, [])


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_people_get_text(run: Run, command: tuple[str, ...]) -> None:
    """Without --json something readable is printed, and the command is done."""
    code, out, _ = run(*command)
    assert code == 0
    assert out.strip()
    assert not out.startswith(("{", "["))


def test_a_refusal_exits_with_3_and_the_remedy(run: Run) -> None:
    """A refused command prints the reason and what to do instead."""
    code, out, err = run("complete", "pc-1", "--yes")
    assert (code, out) == (3, "")
    assert "WrongStatus" in err
    assert "Switch over first" in err


def test_errors_are_json_where_json_is_asked_for(run: Run) -> None:
    """With --json an error is one JSON document on standard error."""
    code, out, err = run("instance", "show", "rm-x", "--json")
    assert (code, out) == (3, "")
    assert json.loads(err)["code"] == "NotFound"


@pytest.mark.parametrize(
    "command",
    [
        ("unknown",),
        ("upgrade", "rm-1"),
        ("switch-over", "pc-1", "--yes"),
        ("switch-over", "pc-1", "--with-endpoints", "--at", "tonight", "--yes"),
        ("roll-back", "pc-1", "--at", "2027-01-31T02:00Z", "--end-transactions", "--yes"),
        ("switch-over", "pc-1", "--with-endpoints", "--until", "2027-01-31T02:00Z", "--yes"),
        ("instance", "add", "--host", "h", "--user", "u", "--password", "hunter2"),
        ("evaluate", "rm-1", "--version", "9.7.4", "--nonsense"),
        ("cancel", "pc-\x01", "--yes"),
        ("cancel", "pc-\udcff", "--yes"),
        *(
            ("switch-over", "pc-1", "--with-endpoints", "--at", at, "--yes")
            for at in ("0001-01-01T00:00", "9999-12-31T23:59:59")
        ),
    ],
    ids=ascii,
)
def test_wrong_usage_exits_with_2(
    run: Run, service: PretendService, command: tuple[str, ...]
) -> None:
    """A command that is not complete or not known does nothing; passwords are no arguments."""
    code, out, err = run(*command, "--json")
    assert (code, out) == (2, "")
    assert json.loads(err)["code"] == "Usage"
    assert service.calls == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("STERNA_PORT", "abc"), ("STERNA_PORT", "70000"), ("STERNA_TOKEN", "gehe\u00efm")],
)
def test_a_wrong_setting_is_named(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """Nothing is done, and no token is in the message."""
    monkeypatch.setenv(name, value)
    code, out, err = run("migration", "list", "--json")
    problem = json.loads(err)
    assert (code, out, problem["code"]) == (1, "", "BadSetting")
    assert name in problem["message"]
    assert "gehe" not in err


def test_blanks_around_a_token_do_not_matter(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a file of secrets brings them along."""
    monkeypatch.setenv("STERNA_TOKEN", f"{TOKEN} \n")
    assert run("migration", "list")[0] == 0


def test_a_file_that_is_no_text_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    """Its content is not in the message."""
    file = tmp_path / "latin1"
    file.write_bytes(b"gehe\xefm\n")
    for command in (
        ("instance", "add", "--host", "h", "--user", "u", "--password-file", str(file)),
        ("hook", "add", "--url", "http://a/", "--headers-file", str(file)),
    ):
        code, _, err = run(*command)
        assert code == 2
        assert "gehe" not in err


@pytest.mark.parametrize(
    "command",
    [
        ("instance", "release", "rm-1"),
        ("switch-over", "pc-1", "--with-endpoints"),
        ("roll-back", "pc-1"),
        ("complete", "pc-1"),
        ("cancel", "pc-1"),
        ("give-up", "pc-1"),
        ("migration", "resolve", "pc-1", "--writes-are-on", "source"),
        ("switch-over", "pc-1", "--with-endpoints", "--at", "2027-01-31T02:00+01:00"),
    ],
    ids=" ".join,
)
def test_destructive_commands_want_a_yes(
    run: Run, service: PretendService, command: tuple[str, ...]
) -> None:
    """Where nobody can be asked, a destructive command without --yes does nothing."""
    code, _, err = run(*command)
    assert code == 2
    assert "--yes" in err
    assert service.calls == []


def test_an_operation_that_fails_exits_with_1(run: Run, service: PretendService) -> None:
    """Waiting for an operation that does not finish ends with 1 and its last sentence."""
    service.outcome = "failed"
    code, _, err = run("switch-over", "pc-1", "--without-endpoints", "--yes")
    assert code == 1
    assert "It is over." in err
    assert service.calls == [("switch_over", "pc-1", False)]


def test_a_plan_that_is_refused_starts_nothing(run: Run, service: PretendService) -> None:
    """When the plan says no, the operation is not started, with or without --dry-run."""
    service.plan = dataclasses.replace(
        service.plan, allowed=False, refusals=("Latency is 61 s; it must be below 60 s.",)
    )
    for option in ("--yes", "--dry-run"):
        code, _, err = run("switch-over", "pc-1", "--with-endpoints", option)
        assert code == 3
        assert "61 s" in err
    for verb in ("complete", "cancel", "give-up"):
        assert run(verb, "pc-1", "--dry-run", "--yes")[0] == 3
    assert service.calls == []


def test_an_evaluation_with_errors_exits_with_3(run: Run, service: PretendService) -> None:
    """A failed evaluation prints its findings with their remedies, and refuses."""
    service.evaluating.evaluation = dataclasses.replace(
        EVALUATION, result="failed", findings=(FINDING,)
    )
    code, out, err = run("evaluate", "rm-1", "--version", "9.7.4")
    assert code == 3
    assert "SET GLOBAL binlog_row_image = FULL;" in out
    assert "PrecheckFailed" in err


def test_upgrade_hands_over_its_options(run: Run, service: PretendService) -> None:
    """What is wished reaches the service; the first line is the cluster id."""
    command = ("upgrade", "rm-1", "--version", "9.7.4", "--nodes", "2", "--network", "blue")
    _, out, _ = run(*command, "--ignore", "a", "--ignore", "b", "--class", "sterna.large")
    assert out.splitlines()[0] == "pc-1"
    wish = ClusterWish(
        "rm-1", "9.7.4", nodes=2, ignore=("a", "b"), node_class="sterna.large", network_label="blue"
    )
    assert service.calls == [("upgrade", wish)]


def test_a_schedule_keeps_the_pairs(run: Run, service: PretendService) -> None:
    """--pair goes with --at."""
    command = ("switch-over", "pc-1", "--with-endpoints", "--pair", "pe-1=pe-2", "--yes")
    code, _, _ = run(*command, "--at", "2027-01-31T02:00+01:00")
    assert code == 0
    assert service.calls[-1][3]["pairs"] == {"pe-1": "pe-2"}


ADD = ("instance", "add", "--host", "db", "--port", "3307", "--user", "admin")


def _password_given(service: PretendService) -> Any:
    return service.calls[0][4]


def test_a_password_comes_from_the_environment(
    run: Run, service: PretendService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STERNA_PASSWORD is used where there is no file; id and endpoint are printed."""
    monkeypatch.setenv("STERNA_PASSWORD", "from environment")
    code, out, _ = run(*ADD)
    assert code == 0
    assert out.split() == ["rm-1", "endpoint", "127.0.0.1:6033"]
    assert _password_given(service) == "from environment"


def test_a_password_comes_from_the_first_line_of_a_file(
    run: Run, service: PretendService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A file wins over the environment; blanks inside its first line are kept."""
    monkeypatch.setenv("STERNA_PASSWORD", "from environment")
    file = tmp_path / "password"
    file.write_text(" from file \nsecond line\n")
    run(*ADD, "--password-file", str(file))
    assert _password_given(service) == " from file "


def test_without_any_password_nothing_is_sent(run: Run, service: PretendService) -> None:
    """Where nobody can be asked for a password, the command is refused as incomplete."""
    code, _, err = run(*ADD)
    assert code == 2
    assert "--password-file" in err
    assert service.calls == []


def test_without_a_server_the_remedy_says_how_to_start_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """No token, or nobody listening: exit code 1, and the command that starts a server."""
    monkeypatch.setenv("STERNA_HOME", str(tmp_path))
    monkeypatch.setenv("STERNA_URL", "http://127.0.0.1:9")
    for token in ("", "some"):
        monkeypatch.setenv("STERNA_TOKEN", token)
        code, out, err = _runner(capsys)("instance", "list")
        assert (code, out) == (1, "")
        assert "sterna server" in err


def test_the_server_command_runs_the_server() -> None:
    """`sterna server` calls what the composition root handed in."""
    calls: list[str] = []
    assert main(lambda: calls.append("served"), ["server"]) == 0
    assert calls == ["served"]


def test_a_bare_time_is_local_and_said_in_full(
    run: Run, service: PretendService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is typed without an offset is taken in local time and echoed with its offset."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        command = ("switch-over", "pc-1", "--with-endpoints", "--yes", "--at")
        code, out, _ = run(*command, "2027-01-31 02:00")
        assert code == 0
        assert "2027-01-31 02:00:00+01:00" in out
        assert "Now it would be refused: It is busy." in out
        given = service.calls[-1][-1]
        assert given["starts_at"].isoformat() == "2027-01-31T02:00:00+01:00"
        for unclear in ("2027-03-28 02:30", "2027-10-31 02:30"):
            code, _, err = run(*command, unclear)
            assert code == 2
            assert "the clocks change" in err
        assert run(*command, "2027-10-31T02:30+02:00")[0] == 0
    finally:
        monkeypatch.undo()
        time.tzset()


def test_headers_of_a_hook_come_from_a_file(
    run: Run, service: PretendService, tmp_path: Path
) -> None:
    """A secret header is no argument, and program arguments arrive as they were typed."""
    file = tmp_path / "headers"
    file.write_text("Authorization: Bearer a:b\n\nX-Team: db\n")
    assert run("hook", "add", "--url", "https://example.org/x", "--headers-file", str(file))[0] == 0
    headers = {"Authorization": "Bearer a:b", "X-Team": "db"}
    assert service.calls[-1][-1]["headers"] == headers
    assert run("hook", "add", "--on", "before", "--", "page", "--team", "a b; $(c)")[0] == 0
    assert service.calls[-1][1] == ("before",)
    assert service.calls[-1][-1]["command"] == ("page", "--team", "a b; $(c)")
