"""Tells programs and addresses what happens to a migration.

    before   an operation begins, ahead of its guards; a program that ends with another exit code
             than 0 refuses it
    after    it has finished
    failed   it has not, or it is not known who owns the writes
    warning  a date comes near, a sync task has stopped, somebody else writes

Everything but `before` is read from the history by a thread of its own, so it never lengthens an
outage, and is told again after a crash: `number` tells repeats from news.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from sterna.errors import Refused
from sterna.migration.status import Status
from sterna.store.database import now
from sterna.store.records import HistoryEntry, Hook
from sterna.store.repository import new_id
from sterna.store.standing import OWN
from sterna.store.view_records import HookTest
from sterna.workflow.hook_programs import check_program, run_program
from sterna.workflow.tools import Tools

EVENTS = ("before", "after", "failed", "warning")
USUAL = ("after", "failed", "warning")
TRIES_MAX = 5
TIMEOUT_SECONDS_MAX = 60.0
# Applications wait in these: nothing is told, and nothing is written about it.
QUIET = (Status.SWITCHING, Status.ROLLING_BACK)
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OF_A_MIGRATION = ("cluster_id", "instance_id", "status", "source_mode", "cluster_mode")
_EVENT_OF_STATE = {"finished": "after", "failed": "failed", "ambiguous": "failed"}


@dataclass
class _Trouble:
    """How often telling a hook has failed, and until when it is left alone."""

    tries: int = 0
    rest_until: float = 0.0


class Hooks:
    """The list of hooks, and the telling."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._troubles: dict[str, _Trouble] = {}

    def hooks(self) -> list[Hook]:
        """All hooks; the values of their headers are not shown."""
        return self._tools.standing.hooks()

    def add(
        self,
        events: Sequence[str] = (),
        *,
        command: Sequence[str] = (),
        url: str = "",
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = 10.0,
    ) -> Hook:
        """Keep a program with its arguments, or an http(s) address, to be told of `events`.

        Raises:
            Refused: BadHook; HookProgramUnusable.
        """
        hook = Hook(
            id=new_id("hk"),
            events=tuple(each for each in EVENTS if each in (events or USUAL)),
            command=tuple(command),
            url=_shown(url),
            header_names=tuple(headers or {}),
            timeout_seconds=timeout_seconds,
            created_at=now(),
        )
        _check(hook, events, url, headers or {})
        if hook.command:
            check_program(self._tools.settings.home, hook.command)
        self._tools.standing.add_hook(hook, url, headers or {})
        return hook

    def remove(self, hook_id: str) -> None:
        """Tell this one nothing any more."""
        self._tools.standing.remove_hook(hook_id)

    def test(self, hook_id: str) -> HookTest:
        """Tell this one of an event `test`, once, whatever it wants to be told of."""
        hook = self._tools.standing.hook(hook_id)
        sentence = f"A test of {hook_id}: nothing has happened."
        payload = {
            **dict.fromkeys(_OF_A_MIGRATION, ""),
            **_of_entry(HistoryEntry(now(), "test", OWN, "Test of a hook", "done", sentence, 0)),
            "event": "test",
            "number": 0,
        }
        return HookTest(hook_id, tell(self._tools, hook, payload))

    def deliver(self) -> None:
        """Tell every hook what it has not heard yet; never while applications wait."""
        hooks = self.hooks()
        if not hooks or any(m.status in QUIET for m in self._tools.journal.migrations()):
            return
        for hook in hooks:
            if time.monotonic() >= self._trouble(hook).rest_until:
                self._deliver(hook)

    def _deliver(self, hook: Hook) -> None:
        last = None
        for number, cluster_id, entry in self._tools.standing.unheard(hook.id):
            event = event_of(entry)
            if event in hook.events and not self._told(hook, event, number, cluster_id, entry):
                break
            last = number
        if last is not None:
            self._tools.standing.heard(hook.id, last)

    def _told(
        self, hook: Hook, event: str, number: int, cluster_id: str, entry: HistoryEntry
    ) -> bool:
        """Whether this entry is done with: told, or given up."""
        trouble = self._trouble(hook)
        payload = {**_about(self._tools, cluster_id, event, entry), "number": number}
        error = tell(self._tools, hook, payload)
        trouble.tries += 1
        if error and hook.url and trouble.tries < TRIES_MAX:
            trouble.rest_until = time.monotonic() + 2 ** (trouble.tries - 1)
            return False
        state = "failed" if error else "done"
        tries = f" after {trouble.tries} tries" if error and hook.url else ""
        sentence = f"{_name(hook)} could not be told of {event}{tries}: {error}"
        _note(self._tools, cluster_id, state, sentence if error else f"{_name(hook)}: {event}")
        self._troubles.pop(hook.id)
        return True

    def _trouble(self, hook: Hook) -> _Trouble:
        return self._troubles.setdefault(hook.id, _Trouble())


def event_of(entry: HistoryEntry) -> str:
    """The event an entry of the history is; empty for the small ones."""
    if entry.state == "warning":
        return "warning"
    return _EVENT_OF_STATE.get(entry.state, "") if entry.step == "operation" else ""


def tell_before(tools: Tools, cluster_id: str, operation: str, title: str) -> str:
    """Tell everybody who wants to know beforehand; who was told, in a sentence.

    Raises:
        Refused: HookObjects; a program ended with another exit code than 0, or not in time.
    """
    entry = HistoryEntry(now(), operation, "operation", title, "started", f"{title}: begins.", 0)
    payload = {**_about(tools, cluster_id, "before", entry), "number": 0}
    told = []
    for hook in tools.standing.hooks():
        if "before" not in hook.events:
            continue
        error = tell(tools, hook, payload)
        if error and hook.command:
            what = operation.replace("_", " ")
            raise Refused(
                f"The hook {_name(hook)} objects to {what}: {error}. Nothing was touched.",
                code="HookObjects",
                remedy=f"Do what it asks for, or remove it: sterna hook remove {hook.id}.",
            )
        told.append(f"{_name(hook)} {f'could not be told: {error}' if error else 'agrees'}")
    return "; ".join(told) or "there is nobody to ask"


def tell(tools: Tools, hook: Hook, payload: Mapping[str, Any]) -> str:
    """Tell one hook once; why that failed, or nothing."""
    body = json.dumps({**payload, "hook": hook.id}).encode()
    if hook.command:
        return run_program(tools.settings.home, hook.command, body, hook.timeout_seconds)
    url, headers = tools.standing.address(hook.id)
    http = httpx.Client(timeout=hook.timeout_seconds, trust_env=False)
    headers = {"Content-Type": "application/json", **headers}
    try:
        with http, http.stream("POST", url, content=body, headers=headers) as answer:
            return "" if answer.is_success else f"it answered {answer.status_code}"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"{type(error).__name__}: {error}"


def _about(tools: Tools, cluster_id: str, event: str, entry: HistoryEntry) -> dict[str, Any]:
    migration = tools.journal.migration(cluster_id)
    of_migration = {name: getattr(migration, name) for name in _OF_A_MIGRATION}
    return {"event": event, **of_migration, **_of_entry(entry)}


def _of_entry(entry: HistoryEntry) -> dict[str, Any]:
    return {
        "operation": entry.operation,
        "step": entry.step,
        "title": entry.title,
        "sentence": entry.sentence,
        "at": entry.at.isoformat(),
        "seconds": entry.seconds,
    }


def _note(tools: Tools, cluster_id: str, state: str, sentence: str) -> None:
    tools.journal.write(cluster_id, HistoryEntry(now(), OWN, OWN, "Hook", state, sentence, 0))


def _name(hook: Hook) -> str:
    return f"{hook.id} ({hook.command[0] if hook.command else hook.url})"


def _shown(url: str) -> str:
    """Scheme and host: with many services the rest of an address is its secret."""
    return "/".join([*url.split("/")[:3], "…"]) if url else ""


def _check(hook: Hook, events: Sequence[str], url: str, headers: Mapping[str, str]) -> None:
    wrong = ""
    if unknown := [each for each in events if each not in EVENTS]:
        wrong = f"There is no event {unknown[0]}; there are {', '.join(EVENTS)}."
    elif bool(hook.command) == bool(url):
        wrong = "A hook is either a program or an address."
    elif any("\0" in each for each in hook.command):
        wrong = "A program and its arguments cannot hold the character NUL."
    elif url and not _is_address(url):
        wrong = "The address is not http://HOST/… or https://HOST/…, without a user in it."
    elif headers and not url:
        wrong = "Only an address has headers."
    elif not all(_is_header(name, value) for name, value in headers.items()):
        wrong = "A header has a name or a value that cannot be sent."
    elif not 0 < hook.timeout_seconds <= TIMEOUT_SECONDS_MAX:
        wrong = f"The timeout is more than 0 and at most {TIMEOUT_SECONDS_MAX:.0f} seconds."
    if wrong:
        raise Refused(
            f"{wrong} Nothing was kept.", code="BadHook", remedy="See: sterna hook add --help."
        )


def _is_address(url: str) -> bool:
    try:
        port = httpx.URL(url).port or 0
    except httpx.InvalidURL:
        return False
    return port < 65536 and bool(re.fullmatch(r"https?://[^/?#@\s]+(/\S*)?", url))


def _is_header(name: str, value: str) -> bool:
    """Blanks around a value are refused where it is sent, in words that quote it."""
    can_be_sent = value.isascii() and value.isprintable() and value == value.strip()
    return bool(_HEADER.fullmatch(name)) and can_be_sent
