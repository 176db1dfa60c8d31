"""The record of who asked for what; written before it is done, and again when it has ended."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sterna.store.access import Access
from sterna.store.access_records import AuditEntry, AuditPage
from sterna.store.database import now

OURSELVES = "sterna"  # what begins by itself: schedules, and what is over
HIDDEN = "***"
TEXT_CHARACTERS_MAX = 300
ITEMS_MAX = 50
DEPTH_MAX = 5
CUT = "…"
_SECRET = re.compile(r"password|secret|token|headers|passphrase", re.IGNORECASE)
# What a hook is called with may hold a secret in any place.
_SECRET_NAMES = frozenset({"url", "command"})


class Auditing:
    """Keeps requests that change something, the newest two hundred thousand."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def begin(self, action: str, **known: Any) -> int:
        """Keep what is asked for; `known` are fields of AuditEntry. Returns its number."""
        fields: dict[str, Any] = {
            "who": "",
            "kind": "nobody",
            "role": "",
            "address": "",
            "object": "",
            "result": "under way",
            "code": "",
            "sentence": "",
            **known,
        }
        fields["arguments"] = without_secrets(known.get("arguments", {}))
        fields |= {name: _plain(fields[name]) for name in ("who", "object")}
        return self._access.begin_entry(AuditEntry(0, now(), action=action, **fields))

    def note(self, action: str, cluster_id: str, arguments: Mapping[str, Any]) -> None:
        """Keep what Sterna began by itself."""
        known = {"who": OURSELVES, "kind": OURSELVES, "object": cluster_id, "result": "done"}
        self.begin(action, **known, arguments=arguments)

    def end(self, number: int, result: str, code: str = "", sentence: str = "") -> None:
        """Keep how it ended: done, refused, failed."""
        self._access.end_entry(number, result=result, code=code, sentence=sentence)

    def entries(self, *, before: int | None, limit: int, **where: str) -> AuditPage:
        """Some entries, newest first."""
        return self._access.entries(before=before, limit=limit, **where)


def without_secrets(given: Any, name: str = "", depth: int = 0) -> Any:
    """The same with everything hidden that a name calls a secret; long and deep ones are cut."""
    if (_SECRET.search(name) or name in _SECRET_NAMES) and given not in (None, "", (), []):
        return HIDDEN
    if isinstance(given, str):
        return _plain(given)
    if not isinstance(given, Mapping | list | tuple):
        return given
    if depth == DEPTH_MAX:
        return CUT
    if isinstance(given, Mapping):
        some = list(given.items())[:ITEMS_MAX]
        return {_plain(str(k)): without_secrets(v, str(k), depth + 1) for k, v in some}
    return [without_secrets(each, "", depth + 1) for each in given[:ITEMS_MAX]]


def _plain(text: str) -> str:
    """Without what a terminal would obey: anybody may have sent it."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text[:TEXT_CHARACTERS_MAX])
