"""Whitelists and avoided servers on a real HAProxy: at once, and without a reload."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import threading
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pymysql
import pytest

from sterna.endpoints.haproxy import HAProxy
from sterna.endpoints.proxy import Backend, Route
from sterna.endpoints.render import Files, Process, render
from sterna.endpoints.whitelist import EVERYBODY, is_allowed, normal_networks
from sterna.errors import Refused
from sterna.mysql.connection import execute, open_session
from tests.fixtures.running import RunningServer, eventually
from tests.integration.test_haproxy import free_port, server_of, worker_pids

ONE = "pe-one"
HERE, THERE = "127.0.0.1", "127.0.0.2"


@pytest.fixture
def proxy() -> Generator[HAProxy]:
    """A HAProxy of one's own, not started."""
    with tempfile.TemporaryDirectory(prefix="sterna-proxy-") as folder:
        proxy = HAProxy(Path(folder) / "proxy")
        yield proxy
        proxy.stop()


@pytest.fixture
def endpoint(
    proxy: HAProxy, mysql57: RunningServer, mariadb1011: RunningServer
) -> Generator[Route]:
    """An endpoint in front of both servers, open for everybody."""
    for server in (mysql57, mariadb1011):
        with open_session(server.server) as session:
            execute(session, "SET sql_log_bin = 0")
            execute(session, "GRANT ALL ON *.* TO 'app'@'%%' IDENTIFIED BY 'app-secret'")
    backends = tuple(Backend(s.server.host, s.server.port) for s in (mysql57, mariadb1011))
    route = Route(ONE, "127.0.0.1", free_port(), backends, EVERYBODY)
    proxy.apply([route])
    yield route
    for server in (mysql57, mariadb1011):
        with open_session(server.server) as session:
            execute(session, "SET sql_log_bin = 0")
            execute(session, "DROP USER 'app'@'%%'")


def connect(endpoint: Route, client: str) -> pymysql.connections.Connection[Any]:
    """A session of a client with this address."""
    return pymysql.connect(
        host=endpoint.host,
        port=endpoint.port,
        bind_address=client,
        user="app",
        password="app-secret",
        connect_timeout=30,
        ssl_disabled=True,
    )


def is_alive(session: pymysql.connections.Connection[Any]) -> bool:
    try:
        return bool(server_of(session))
    except pymysql.Error:
        return False


def test_a_narrower_whitelist_cuts_those_it_no_longer_names(
    proxy: HAProxy, endpoint: Route
) -> None:
    """At once, in the same process: whoever is not named is cut and refused, others stay."""
    workers = worker_pids(proxy)
    cut, spared = connect(endpoint, HERE), connect(endpoint, THERE)
    proxy.apply([replace(endpoint, allowed_networks=(f"{THERE}/32",))])
    assert not is_alive(cut) and is_alive(spared)
    with pytest.raises(pymysql.Error):
        connect(endpoint, HERE)
    assert is_alive(connect(endpoint, THERE))
    assert worker_pids(proxy) == workers
    spared.close()


def test_who_waited_is_judged_by_the_whitelist_of_the_release(
    proxy: HAProxy, endpoint: Route
) -> None:
    """A connection that waits while its network is taken off the list reaches no server."""
    proxy.hold([ONE])
    answers: list[bool] = []

    def wait() -> None:
        try:
            answers.append(is_alive(connect(endpoint, HERE)))
        except pymysql.Error:
            answers.append(False)

    thread = threading.Thread(target=wait)
    thread.start()
    eventually(lambda: proxy.statistics()[ONE].waiting == 1)
    proxy.apply([replace(endpoint, allowed_networks=("10.0.0.0/8",))])
    proxy.release([ONE])
    thread.join()
    assert answers == [False]


def test_an_ipv4_client_is_known_by_his_ipv4_address(proxy: HAProxy, endpoint: Route) -> None:
    """Also at an address of both families: IPv4 networks name him, IPv6 networks do not."""
    everywhere = replace(endpoint, host="::", port=free_port())
    for networks, is_named in ((f"{HERE}/32",), True), (("::/0",), False), (("::1/128",), False):
        proxy.apply([replace(everywhere, allowed_networks=networks)])
        if is_named:
            assert is_alive(connect(everywhere_at(everywhere), HERE))
        else:
            with pytest.raises(pymysql.Error):
                connect(everywhere_at(everywhere), HERE)


def everywhere_at(endpoint: Route) -> Route:
    """The same endpoint as an IPv4 client sees it."""
    return replace(endpoint, host=HERE)


def test_a_name_that_is_not_found_keeps_its_last_address(
    proxy: HAProxy, endpoint: Route, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name service that is down is in the way of no exchange, also for the next process."""
    named = replace(
        endpoint, backends=tuple(Backend("localhost", b.port) for b in endpoint.backends)
    )
    proxy.apply([named])
    assert is_alive(connect(named, HERE))

    def is_down(*_: object, **__: object) -> None:
        raise socket.gaierror("no answer")

    monkeypatch.setattr(socket, "getaddrinfo", is_down)
    HAProxy(proxy._files.home).apply([replace(named, backends=named.backends[:1])])
    with pytest.raises(Refused, match="nobody is unknown"):
        proxy.apply([replace(named, backends=(Backend("nobody", 1),))])
    monkeypatch.undo()
    assert is_alive(connect(named, HERE))


def test_an_interrupted_change_still_cuts(
    proxy: HAProxy, endpoint: Route, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever repairs the proxy after its owner died between list and cut finishes the cut."""
    cut = connect(endpoint, HERE)
    monkeypatch.setattr(proxy, "_cut_disallowed", lambda: None)
    proxy.apply([replace(endpoint, allowed_networks=(f"{THERE}/32",))])
    assert is_alive(cut)
    HAProxy(proxy._files.home).ensure_running()
    assert not is_alive(cut)


def test_an_avoided_server_gets_no_new_connection(
    proxy: HAProxy, endpoint: Route, mariadb1011: RunningServer
) -> None:
    """Its sessions go on; neither a reload nor a crash brings it back, being let in again does."""
    workers = worker_pids(proxy)
    sick = Backend(mariadb1011.server.host, mariadb1011.server.port)
    sessions = [connect(endpoint, HERE) for _ in range(2)]
    assert {server_of(session) for session in sessions} == {"source", "cluster"}
    proxy.avoid([sick])
    assert {server_of(connect(endpoint, HERE)) for _ in range(6)} == {"source"}
    assert worker_pids(proxy) == workers
    assert all(is_alive(session) for session in sessions)
    other = replace(endpoint, name="pe-other", port=free_port())
    proxy.apply([endpoint, other])
    assert {server_of(connect(endpoint, HERE)) for _ in range(6)} == {"source"}
    os.kill(worker_pids(proxy)[0], signal.SIGKILL)  # the others go with it
    eventually(lambda: not proxy.is_running())
    proxy.ensure_running()
    assert {server_of(connect(other, HERE)) for _ in range(6)} == {"source"}
    proxy.avoid([])
    held = [connect(endpoint, HERE) for _ in range(6)]
    assert {server_of(session) for session in held} == {"source", "cluster"}


def test_networks_are_written_in_one_way() -> None:
    """Addresses become networks, doubles vanish; a client may come with or without its port."""
    given = ["10.1.2.3/8", " 10.0.0.0/8", "::1", "192.168.1.7"]
    assert normal_networks(given) == ("10.0.0.0/8", "192.168.1.7/32", "::1/128")
    assert is_allowed("10.9.9.9:4711", ["10.0.0.0/8"])
    assert is_allowed("::ffff:10.9.9.9:4711", ["10.0.0.0/8"])
    assert is_allowed("::1:4711", ["::1/128"])
    assert not is_allowed("11.0.0.1:80", ["10.0.0.0/8", "::/0"])
    assert normal_networks(["::ffff:10.0.0.0/104", "::ffff:1.2.3.4"]) == (
        "1.2.3.4/32",
        "10.0.0.0/8",
    )
    with pytest.raises(ValueError, match="everybody"):
        normal_networks(["everybody"])


@pytest.mark.parametrize("zone", ["x y", "x; show info", "x\nadd map", "x,10.0.0.0"])
def test_no_network_brings_a_command_with_it(zone: str, tmp_path: Path) -> None:
    """Python takes any text behind an address's %; none gets into HAProxy's files or its socket."""
    with pytest.raises(ValueError, match="zone"):
        normal_networks([f"fe80::1%{zone}/128"])
    endpoint, process = Route(ONE, HERE, 4000, (), EVERYBODY), Process(connections_max=10)
    for bad in (
        replace(endpoint, allowed_networks=(f"fe80::1%{zone}/128",)),
        replace(endpoint, host=f"fe80::1%{zone}"),
    ):
        with pytest.raises(Refused, match="The proxy was left as it was"):
            render([bad], files=Files(tmp_path), process=process)
