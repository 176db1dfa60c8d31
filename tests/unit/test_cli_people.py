"""The commands about people, on a server whose people are real."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sterna.cli.app import DONE, FAILED, REFUSED, main
from sterna.store.access import Access
from sterna.store.repository import open_store
from sterna.workflow.auditing import Auditing
from sterna.workflow.people import People
from tests.fixtures.pretend_service import TOKEN, PretendService, serving


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A server, and the environment of a command beside it."""
    database, _ = open_store(f"sqlite:///{tmp_path}/s.db", tmp_path / "key")
    service = PretendService()
    service.people = People(Access(database))
    service.auditing = Auditing(Access(database))
    with serving(service) as server:
        monkeypatch.setenv("STERNA_URL", server.url)
        monkeypatch.setenv("STERNA_TOKEN", TOKEN)
        yield tmp_path
    database.close()


def _run(*words: str) -> int:
    return main(lambda: None, words)


def test_people_and_tokens_are_kept_by_command(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Users and tokens are made, shown, changed and removed; no secret is an argument."""
    password = folder / "password"
    password.write_text("correct horse battery\n")
    add = ("user", "add", "Anna", "--password-file", str(password))
    assert _run(*add, "--role", "admin") == DONE
    assert _run(*add) == REFUSED
    assert "UserExists" in capsys.readouterr().err
    assert _run("user", "add", "ben", "--password-file", str(password)) == DONE
    assert _run("user", "set-role", "ben", "operator") == DONE
    password.write_text("short\n")
    assert _run("user", "set-password", "ben", "--password-file", str(password)) == REFUSED
    capsys.readouterr()
    assert _run("user", "list", "--json") == DONE
    users = json.loads(capsys.readouterr().out)
    assert [(u["name"], u["role"]) for u in users] == [("anna", "admin"), ("ben", "operator")]
    assert _run("user", "remove", "anna", "--yes") == REFUSED
    assert _run("user", "remove", "ben", "--yes") == DONE

    capsys.readouterr()
    assert _run("token", "create", "report", "--role", "viewer", "--days", "3") == DONE
    shown = capsys.readouterr()
    secret = shown.out.strip()
    assert secret.startswith("sterna_") and secret not in shown.err
    monkeypatch.setenv("STERNA_TOKEN", secret)
    assert _run("engine", "list") == DONE
    assert _run("user", "list") == REFUSED
    monkeypatch.setenv("STERNA_TOKEN", TOKEN)
    capsys.readouterr()
    assert _run("token", "list", "--json") == DONE
    (token,) = json.loads(capsys.readouterr().out)
    assert token["description"] == "report" and token["used_at"]
    assert _run("token", "revoke", token["id"], "--yes") == DONE
    monkeypatch.setenv("STERNA_TOKEN", secret)
    assert _run("engine", "list") == FAILED

    monkeypatch.setenv("STERNA_TOKEN", TOKEN)
    capsys.readouterr()
    assert _run("audit", "--action", "add_user") == DONE
    told = capsys.readouterr().out
    assert "local" in told and "password=***" in told and "UserExists" in told
    assert "horse" not in told
