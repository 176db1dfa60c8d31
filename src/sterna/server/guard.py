"""Stands before everything: what may come in at all, how long it may take, and what goes out.

Plain ASGI, so that it also holds for files, errors and unknown paths.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sterna.settings import Settings

BODY_BYTES_MAX = 1 << 20
BODY_SECONDS_MAX = 30.0
SEND_SECONDS_MAX = 60.0
# Who sends too much is listened to for a while: cut off while sending, he would not read why.
DISCARD_BYTES_MAX = 16 << 20
DISCARD_SECONDS_MAX = 5.0
LOCAL_NAMES = frozenset({"localhost"})
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; script-src 'self'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
TOO_LARGE = (413, "TooLarge", "The request is larger than 1 MiB; nothing was done.")
TOO_SLOW = (408, "TooSlow", "The request did not come within 30 s; nothing was done.")
WRONG_HOST = (421, "WrongHost", "This server is not known by the name the request uses.")
REMEDIES = {
    "TooLarge": "Send less at once.",
    "TooSlow": "Send it again, faster.",
    "WrongHost": "Use the server's address, or add the name to STERNA_NAMES and start it anew.",
}


class _EndedError(Exception):
    """The request is answered already."""


class Guard:
    """An application behind the checks."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in (settings.host, *settings.names))
        self._any_name = not settings.names and not _is_loopback(settings.host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})
        outlet = _Outlet(scope, send)
        headers = Headers(scope=scope)
        if not self._is_ours(headers.get("host", "")):
            await outlet.refuse(*WRONG_HOST)
        elif int(headers.get("content-length") or 0) > BODY_BYTES_MAX:
            await _discard(receive)
            await outlet.refuse(*TOO_LARGE)
        else:
            await self._pass(scope, _Inlet(receive, outlet), outlet)

    async def _pass(self, scope: Scope, inlet: _Inlet, outlet: _Outlet) -> None:
        try:
            await self._app(scope, inlet, outlet)
        except (_EndedError, ClientDisconnect):
            return
        finally:  # the log of what was asked says so where it has not been answered
            await outlet.end_entry("failed", "ServerFailed")

    def _is_ours(self, host: str) -> bool:
        """An address, or a name we are known by: one of somebody else's may lead here by DNS."""
        name = _name_of(host)
        return self._any_name or name in self._names | LOCAL_NAMES or _is_address(name)


class _Inlet:
    """What comes in: not too much, not too slowly."""

    def __init__(self, receive: Receive, outlet: _Outlet) -> None:
        self._receive = receive
        self._outlet = outlet
        self._bytes = 0
        self._is_whole = False

    async def __call__(self) -> Message:
        if self._is_whole:  # only its end is still to come, whenever that is
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), BODY_SECONDS_MAX)
        except TimeoutError:
            await self._outlet.refuse(*TOO_SLOW)
            raise _EndedError from None
        self._bytes += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        if self._bytes > BODY_BYTES_MAX:
            if not self._is_whole:
                await _discard(self._receive)
            await self._outlet.refuse(*TOO_LARGE)
            raise _EndedError
        return message


class _Outlet:
    """What goes out: with headers for browsers, and not to who does not take it."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._has_begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._has_begun = True
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            if self._scope["path"].startswith("/api"):
                headers.setdefault("Cache-Control", "no-store")
            await self._end_entry_of(message["status"])
        await asyncio.wait_for(self._send(message), SEND_SECONDS_MAX)

    async def refuse(self, status: int, code: str, sentence: str) -> None:
        """Answer in place of the application."""
        if self._has_begun:
            return
        problem = {"code": code, "message": sentence, "remedy": REMEDIES[code]}
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        await self({"type": "http.response.start", "status": status, "headers": headers})
        await self({"type": "http.response.body", "body": json.dumps(problem).encode()})

    async def _end_entry_of(self, status: int) -> None:
        code, sentence = self._scope["state"].get("problem", ("", ""))
        result = "done" if status < 400 else "refused" if status < 500 else "failed"
        await self.end_entry(result, code, sentence)

    async def end_entry(self, result: str, code: str = "", sentence: str = "") -> None:
        """Tell the audit log how the request ended, before who asked is told."""
        state: dict[str, Any] = self._scope["state"]
        if (number := state.pop("audit_number", None)) is not None:
            auditing = state["auditing"]
            await run_in_threadpool(auditing.end, number, result, code, sentence)


async def _discard(receive: Receive) -> None:
    """Take the rest of a body that nobody will look at, within bounds."""
    taken = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DISCARD_SECONDS_MAX):
            while taken < DISCARD_BYTES_MAX:
                message = await receive()
                taken += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return


def _name_of(host: str) -> str:
    """A Host header without its port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return host in LOCAL_NAMES or (_is_address(host) and ipaddress.ip_address(host).is_loopback)
