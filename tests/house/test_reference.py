"""The reference is complete and true."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import pytest
import typer

from sterna.cli.app import make_cli
from sterna.errors import Refused
from sterna.migration.status import TITLES, Status
from sterna.store.repository import found
from tests.house.project import REFERENCE, texts
from tools import (
    write_cli_reference,
    write_error_reference,
    write_outline_reference,
    write_precheck_reference,
)

GENERATED = {
    "cli.md": write_cli_reference.render,
    "errors.md": write_error_reference.render,
    "outline.md": write_outline_reference.render,
}
# Sterna hands variables of its own to the proxy's process; nobody else sets them.
PROXY = "src/sterna/endpoints/"
SETTING = re.compile(r"\bSTERNA_[A-Z_]+\b")
FENCED = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:\$ )?(?:\.venv/bin/)?sterna (?P<rest>.+)")
FOUND = re.compile(r"\bfound\([^\n]*?, \"([a-z]+)\", ")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", GENERATED)
def test_generated_pages_are_up_to_date(page: str) -> None:
    """Every command and error code is on its page, as it is in the code: `make docs`."""
    assert (REFERENCE / page).read_text() == GENERATED[page]()


def test_every_precheck_has_its_page() -> None:
    """One page each, as the code says it, an index, and no page of a check that is gone."""
    pages = write_precheck_reference.render()
    there = [REFERENCE / "prechecks.md", *(REFERENCE / "prechecks").iterdir()]
    assert {str(path.relative_to(REFERENCE)): path.read_text() for path in there} == pages


def test_every_setting_is_described() -> None:
    """Each STERNA_… variable anything reads is on the page of settings, and no other is."""
    read = {
        name
        for path, text in texts().items()
        if path.startswith(("src/", "tools/", "demo/", "Makefile")) and not path.startswith(PROXY)
        for name in SETTING.findall(text)
    }
    assert set(SETTING.findall((REFERENCE / "settings.md").read_text())) == read


def test_every_status_is_described() -> None:
    """Each status of a migration is there with the words people see."""
    page = (REFERENCE / "statuses.md").read_text()
    for status in Status:
        assert f"`{status}` | {TITLES[status]} |" in page


def _commands_shown() -> Iterator[tuple[str, list[str]]]:
    """Every line in a code block of the docs that runs a `sterna` command."""
    for path, text in texts().items():
        if not path.endswith(".md") or path == "docs/reference/cli.md":
            continue
        for block in FENCED.findall(text):
            for line in block.replace("\\\n", " ").splitlines():
                if shown := COMMAND.match(line):
                    yield f"{path}: {line}", shlex.split(shown["rest"], comments=True)


def test_commands_in_the_docs_exist() -> None:
    """Each command a page tells to type is there, with every option it shows."""
    for line, words in _commands_shown():
        command = typer.main.get_command(make_cli(lambda: None))
        if "--" in words:  # what follows belongs to somebody else's program
            words = words[: words.index("--")]
        while words and words[0] in getattr(command, "commands", {}):
            command = getattr(command, "commands")[words.pop(0)]  # noqa: B009
        assert not hasattr(command, "commands"), line
        known = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
        shown = {word.split("=")[0] for word in words if word.startswith("--")}
        assert shown <= known | {"--help"}, line


def test_what_is_not_found_is_listed_by_a_command() -> None:
    """Whoever asks for something that is not there is told a command that exists."""
    commands = getattr(typer.main.get_command(make_cli(lambda: None)), "commands")  # noqa: B009
    kinds = {kind for text in texts().values() for kind in FOUND.findall(text)}
    assert {"cluster", "task"} <= kinds
    for kind in kinds:
        with pytest.raises(Refused) as refused:
            found(None, kind, "x")
        noun, verb = refused.value.remedy.rstrip(".").split()[-2:]
        assert verb in getattr(commands[noun], "commands"), kind  # noqa: B009


def test_links_between_pages_lead_somewhere() -> None:
    """Every relative link in a page names a file that is there."""
    broken = [
        f"{path}: {link}"
        for path, text in texts().items()
        if path.endswith(".md")
        for link in LINK.findall(text)
        if not (REFERENCE.parents[1] / path).parent.joinpath(link).exists()
    ]
    assert not broken
