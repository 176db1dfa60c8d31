"""The log of who came by which endpoint."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sterna.endpoints.connections import BoundedFile, ConnectionLog
from sterna.endpoints.haproxy import HAProxy
from sterna.endpoints.proxy import Backend, Route
from tests.fixtures.running import eventually
from tests.integration.test_haproxy import free_port


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """Somebody who takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        yield server


def test_every_connection_is_told_once(
    tmp_path: Path, server: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Client, endpoint, and what the server sees; also of who came while nobody asked, of many at
    once, of those a new worker lets in, and an old one at last. What HAProxy says of servers is
    left out. While nobody comes no lines are asked for."""
    proxy, lines, port = HAProxy(tmp_path), ConnectionLog(tmp_path), free_port()
    lines.tick()  # no proxy yet
    one = Route("pe-one", "127.0.0.1", port, backends(server), ("127.0.0.1",))
    other = replace(one, name="pe-other", port=free_port())
    proxy.apply([one])
    try:
        expected = [come(port, server) for _ in range(2)]
        lines.tick()
        proxy.avoid(backends(server))
        proxy.avoid([])
        expected += [come(port, server) for _ in range(200)]
        lines.tick()
        proxy.apply([one, other])
        expected += [come(port, server) for _ in range(200)]
        lines = ConnectionLog(tmp_path)  # as after a restart of ours
        eventually(lambda: lines.tick() or sorted(told(tmp_path)) == sorted(expected))
        proxy.hold(["pe-one"])
        with socket.create_connection(("127.0.0.1", port)) as client:
            eventually(lambda: proxy.statistics()["pe-one"].waiting == 1)
            proxy.apply([one, other, replace(one, name="pe-third", port=free_port())])
            proxy.release(["pe-one"])
            accepted, (_, seen) = server.accept()
            with accepted:
                expected.append((client.getsockname()[1], "pe-one", seen))
                eventually(lambda: lines.tick() or sorted(told(tmp_path)) == sorted(expected))
        proxy.apply([replace(one, allowed_networks=("10.0.0.1",)), other])
        with socket.create_connection(("127.0.0.1", port)) as client:
            stranger = client.getsockname()[1]
            assert client.recv(1) == b""
        eventually(lambda: lines.tick() or told(tmp_path)[-1][0] == stranger)
        assert len(told(tmp_path)) == len(expected) + 1
        lines = ConnectionLog(tmp_path)
        lines.tick()
        asked = asked_of(lines, monkeypatch)
        lines.tick()
        assert not [command for command in asked if "show events" in command], "nobody came"
    finally:
        proxy.stop()


def asked_of(lines: ConnectionLog, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the proxy is asked from now on."""
    asked: list[str] = []
    ask = lines._control._exchange
    monkeypatch.setattr(
        lines._control, "_exchange", lambda text: (asked.append(text), ask(text))[1]
    )
    return asked


def backends(server: socket.socket) -> tuple[Backend, ...]:
    """The server behind an endpoint."""
    return (Backend("127.0.0.1", server.getsockname()[1]),)


def come(port: int, server: socket.socket) -> tuple[int, str, int]:
    """One connection: the client's port, the endpoint, the port the server sees."""
    with socket.create_connection(("127.0.0.1", port)) as client:
        accepted, (_, seen) = server.accept()
        with accepted:
            return client.getsockname()[1], "pe-one", seen


def told(home: Path) -> list[tuple[int, str, int]]:
    """The same from the log, in order."""
    log = home / "connections.log"
    lines = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
    return [(_port(client), name, _port(seen)) for _, client, name, _, seen, _ in lines]


def _port(address: str) -> int:
    return int(address.rpartition(":")[2].replace("-", "0"))


def test_the_log_never_grows_too_large(tmp_path: Path) -> None:
    """Full files are kept under other names, the oldest is dropped, no line is torn."""
    log = BoundedFile(tmp_path / "log", bytes_max=100, older_files=2)
    for number in range(50):
        log.add(f"line {number:03d}")
    files = [tmp_path / name for name in ("log.2", "log.1", "log")]
    assert sorted(tmp_path.iterdir()) == sorted(files)
    assert max(file.stat().st_size for file in files) <= 100
    lines = "".join(file.read_text() for file in files).splitlines()
    assert lines == [f"line {number:03d}" for number in range(50 - len(lines), 50)]
