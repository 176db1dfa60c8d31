"""Serves the API until it is told to stop."""

from __future__ import annotations

import signal
import socket
import sys
from types import FrameType

import uvicorn

from sterna.errors import Refused
from sterna.server.app import make_app
from sterna.server.token import read_or_make_token
from sterna.settings import Settings
from sterna.workflow.service import Service

# Watchers hold their connections open for as long as they like; a stop does not wait for them.
GRACE_SECONDS = 2


def serve(service: Service, settings: Settings) -> None:
    """Answer requests at `settings.url` until SIGINT or SIGTERM.

    Raises Refused "PortInUse" when something else listens there.
    """
    app = make_app(service, read_or_make_token(settings.home), settings=settings)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=list(settings.proxies),
    )
    server = uvicorn.Server(config)
    _end_at_signals(server)
    with _listen(settings) as listener:
        print(f"Sterna listens at {settings.url}", file=sys.stderr, flush=True)
        _offer_setup(service, settings)
        server.run(sockets=[listener])


def _offer_setup(service: Service, settings: Settings) -> None:
    """While nobody can sign in: say how the first admin is made."""
    secret = service.people.offer_setup()
    if secret is None:
        return
    print(
        f"No user exists yet. Make the first admin at {settings.url}/ with the one-time token\n"
        f"    {secret}\n"
        "or here with: sterna user add NAME --role admin",
        file=sys.stderr,
        flush=True,
    )


def _end_at_signals(server: uvicorn.Server) -> None:
    """Make SIGINT and SIGTERM end the serving, not the process: the caller still cleans up.

    uvicorn takes the signals over while it serves, and afterwards raises them again for whoever
    had them before: without this, SIGTERM would kill the process there and then.
    """

    def end(_number: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)


def _listen(settings: Settings) -> socket.socket:
    try:
        return socket.create_server((settings.host, settings.port))
    except OSError as error:
        raise Refused(
            f"Cannot listen at {settings.host}:{settings.port} ({error.strerror}).",
            code="PortInUse",
            remedy="Stop what listens there, or set STERNA_PORT to a free port.",
        ) from error
