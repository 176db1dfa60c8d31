"""The log of who came by which endpoint."""

from __future__ import annotations

import socket
from collections.abc import Iterator
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


def test_every_connection_is_told_with_its_client(tmp_path: Path, server: socket.socket) -> None:
    """Client, endpoint, and what the server sees; nobody minds when no line is taken."""
    proxy, lines, port = HAProxy(tmp_path), ConnectionLog(tmp_path), free_port()
    backends = (Backend("127.0.0.1", server.getsockname()[1]),)
    proxy.apply([Route("pe-one", "127.0.0.1", port, backends, ("127.0.0.1",))])
    come(port, server)
    lines.start()
    try:
        expected = [come(port, server) for _ in range(3)]
        # The first one may have come before there was anybody to take lines.
        eventually(lambda: told(tmp_path)[-1:] == expected[-1:], within_seconds=30)
        assert [each for each in expected if each in told(tmp_path)] == told(tmp_path)
        proxy.apply([Route("pe-one", "127.0.0.1", port, backends, ("10.0.0.1",))])
        with socket.create_connection(("127.0.0.1", port)) as client:
            stranger = client.getsockname()[1]
            assert client.recv(1) == b""
        eventually(lambda: told(tmp_path)[-1][0] == stranger, within_seconds=30)
    finally:
        lines.stop()
        proxy.stop()


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
        log.add(b"line %03d\n" % number)
    files = [tmp_path / name for name in ("log.2", "log.1", "log")]
    assert sorted(tmp_path.iterdir()) == sorted(files)
    assert max(file.stat().st_size for file in files) <= 100
    lines = "".join(file.read_text() for file in files).splitlines()
    assert lines == [f"line {number:03d}" for number in range(50 - len(lines), 50)]
