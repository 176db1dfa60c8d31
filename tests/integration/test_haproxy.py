"""Endpoints on a real HAProxy with real servers behind it: hold, sweep, exchange, release."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pymysql
import pytest

from sterna.endpoints.haproxy import HAProxy
from sterna.endpoints.proxy import Backend, EndpointStatistics, Route
from sterna.errors import Refused
from sterna.mysql.connection import open_session, query
from tests.fixtures.running import RunningServer, eventually

EVERYBODY = ("0.0.0.0/0",)
CLIENTS = 200
ONE, TWO = "pe-one", "pe-two"


@pytest.fixture
def proxy() -> Generator[HAProxy]:
    """A HAProxy of one's own, not started."""
    with tempfile.TemporaryDirectory(prefix="sterna-proxy-") as folder:
        proxy = HAProxy(Path(folder) / "proxy")
        yield proxy
        proxy.stop()


class Scene:
    """Two endpoints, each in front of a server: the source and the cluster."""

    def __init__(self, proxy: HAProxy, source: RunningServer, cluster: RunningServer) -> None:
        self.proxy, self.source, self.cluster = proxy, source, cluster
        self.port, other_port = free_port(), free_port()
        self.before = [
            route(ONE, self.port, source),
            route(TWO, other_port, cluster),
        ]
        self.after = [
            route(ONE, self.port, cluster),
            route(TWO, other_port, source),
        ]
        self.proxy.apply(self.before)
        for server in (source, cluster):
            with open_session(server.server) as session:
                session.cursor().execute("SET GLOBAL max_connections = 2000")

    def connect(self) -> pymysql.connections.Connection[Any]:
        """A client of the first endpoint."""
        return connect(self.port)

    def who_answers(self) -> str:
        """Which server a new connection reaches."""
        with self.connect() as connection:
            return server_of(connection)


@pytest.fixture
def scene(proxy: HAProxy, mysql57: RunningServer, mariadb1011: RunningServer) -> Generator[Scene]:
    """MySQL 5.7 as source and MariaDB as cluster, with one account on both."""
    for server in (mysql57, mariadb1011):
        with open_session(server.server) as session:
            cursor = session.cursor()
            cursor.execute("SET sql_log_bin = 0")
            cursor.execute("GRANT ALL ON *.* TO 'app'@'%' IDENTIFIED BY 'app-secret'")
    yield Scene(proxy, mysql57, mariadb1011)
    for server in (mysql57, mariadb1011):
        with open_session(server.server) as session:
            session.cursor().execute("DROP USER 'app'@'%'")


def free_port() -> int:
    """A port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def route(name: str, port: int, server: RunningServer) -> Route:
    backend = Backend(server.server.host, server.server.port)
    return Route(name, "127.0.0.1", port, (backend,), EVERYBODY)


def connect(port: int) -> pymysql.connections.Connection[Any]:
    """A client of an endpoint; without TLS, whose certificate store takes most of the time."""
    return pymysql.connect(
        host="127.0.0.1",
        port=port,
        user="app",
        password="app-secret",
        connect_timeout=30,
        ssl_disabled=True,
    )


def server_of(connection: pymysql.connections.Connection[Any]) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT VERSION()")
        row = cursor.fetchone()
    assert row is not None
    return "cluster" if "MariaDB" in row[0] else "source"


def count_clients(server: RunningServer) -> int:
    """Sessions of the application on a server."""
    with open_session(server.server) as session:
        rows = query(
            session, "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'app'"
        )
    return int(rows[0][0])


def worker_pids(proxy: HAProxy) -> list[int]:
    return [worker.pid for worker in proxy._control.workers()]


def master_pid(proxy: HAProxy) -> int:
    master = proxy._master()
    assert master is not None
    return master.pid


class Crowd:
    """Clients that connect at once; each tells where it came out, and when."""

    def __init__(self, scene: Scene, count: int = CLIENTS) -> None:
        self._pool = ThreadPoolExecutor(count)
        self._start = threading.Barrier(count)
        self._results: list[Future[str]] = [
            self._pool.submit(self._client, scene) for _ in range(count)
        ]

    def _client(self, scene: Scene) -> str:
        self._start.wait()
        try:
            with scene.connect() as connection:
                server = server_of(connection)
        except pymysql.Error as error:
            return f"refused: {error}"
        return server

    def results(self) -> Counter[str]:
        """Where they came out; waits for all."""
        with self._pool:
            return Counter(future.result(timeout=60) for future in self._results)


def wait_for_waiting(proxy: HAProxy, count: int) -> None:
    eventually(lambda: proxy.statistics()[ONE].waiting >= count)


def test_exchange_moves_everybody_who_waited(scene: Scene) -> None:
    """200 clients that connect during a hold all reach the new server, none the old one."""
    proxy = scene.proxy
    sessions = [scene.connect() for _ in range(20)]
    proxy.hold([ONE, TWO])
    crowd = Crowd(scene)
    wait_for_waiting(proxy, CLIENTS)
    assert proxy.statistics()[ONE] == EndpointStatistics(sessions=20, waiting=CLIENTS)
    assert server_of(sessions[0]) == "source", "sessions go on during a hold"
    assert proxy.sweep([ONE, TWO]) == 20
    eventually(lambda: count_clients(scene.source) == 0)
    proxy.apply(scene.after)
    assert count_clients(scene.source) == 0
    proxy.release([ONE, TWO])
    assert crowd.results() == {"cluster": CLIENTS}
    for connection in sessions:
        with pytest.raises(pymysql.Error):
            connection.ping(reconnect=False)


def test_release_lets_200_through_at_once(scene: Scene) -> None:
    """From release() to the last of 200 servers' greetings it takes less than half a second."""
    scene.proxy.hold([ONE])
    clients = [socket.create_connection(("127.0.0.1", scene.port)) for _ in range(CLIENTS)]
    wait_for_waiting(scene.proxy, CLIENTS)
    greeted = []
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client, selectors.EVENT_READ)
        assert selector.select(timeout=0.1) == []
        began = time.monotonic()
        scene.proxy.release([ONE])
        while len(greeted) < CLIENTS and time.monotonic() < began + 30:
            for key, _ in selector.select(timeout=1):
                selector.unregister(key.fileobj)
                greeted.append(time.monotonic() - began)
    for client in clients:
        client.close()
    assert len(greeted) == CLIENTS
    print(f"of {CLIENTS} waiting, the first was greeted after {greeted[0] * 1000:.1f} ms,", end="")
    print(f" the last after {greeted[-1] * 1000:.1f} ms")
    assert greeted[-1] < 0.5


def test_exchange_under_connecting_clients(scene: Scene) -> None:
    """Clients that connect all the time are never refused and never reach the old server again."""
    proxy, stop, seen = scene.proxy, threading.Event(), list[tuple[float, float, str]]()

    def client() -> None:
        while not stop.is_set():
            began = time.monotonic()
            try:
                with scene.connect() as connection:
                    server = server_of(connection)
            except pymysql.Error as error:
                server = f"refused: {error}"
            seen.append((began, time.monotonic(), server))

    threads = [threading.Thread(target=client) for _ in range(8)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(seen) > 40)
    spans = []
    for routes in (scene.after, scene.before) * 2:
        began = time.monotonic()
        proxy.hold([ONE, TWO])
        held = time.monotonic()
        proxy.sweep([ONE, TWO])
        proxy.apply(routes)
        proxy.release([ONE, TWO])
        spans.append((began, held, "cluster" if routes is scene.after else "source"))
        count = len(seen)
        eventually(lambda count=count: len(seen) > count + 40)  # type: ignore[misc]
    stop.set()
    for thread in threads:
        thread.join()
    for number, (_, held, expected) in enumerate(spans):
        until = spans[number + 1][0] if number + 1 < len(spans) else time.monotonic()
        came = Counter(server for began, ended, server in seen if began > held and ended < until)
        assert set(came) == {expected}, came


def test_reload_loses_nobody_and_old_workers_are_swept(scene: Scene) -> None:
    """A reload keeps sessions and the waiting; both are reached in the worker left over."""
    proxy = scene.proxy
    session = scene.connect()
    proxy.hold([ONE])
    crowd = Crowd(scene, 20)
    wait_for_waiting(proxy, 20)
    extra = route("pe-three", free_port(), scene.cluster)
    proxy.apply([*scene.before, extra])
    assert len(worker_pids(proxy)) == 2
    late = Crowd(scene, 20)
    wait_for_waiting(proxy, 40)
    assert server_of(session) == "source"
    assert proxy.sweep([ONE]) == 1
    eventually(lambda: count_clients(scene.source) == 0)
    proxy.apply([*scene.after, extra])
    proxy.release([ONE])
    assert crowd.results() == late.results() == {"cluster": 20}
    eventually(lambda: len(worker_pids(proxy)) == 1)


def test_waiting_in_an_old_worker_reach_servers_it_never_knew(scene: Scene) -> None:
    """Who waited since before a reload is let through to a server that the reload brought."""
    proxy = scene.proxy
    proxy.apply(scene.before[:1])
    proxy.hold([ONE])
    crowd = Crowd(scene, 20)
    wait_for_waiting(proxy, 20)
    proxy.apply(scene.after[:1])
    proxy.release([ONE])
    assert crowd.results() == {"cluster": 20}


def test_reloads_lose_no_connection(scene: Scene) -> None:
    """Clients that connect all the time notice nothing of ten reloads."""
    stop, errors = threading.Event(), []

    def client() -> None:
        while not stop.is_set():
            try:
                scene.who_answers()
            except pymysql.Error as error:
                errors.append(error)

    threads = [threading.Thread(target=client) for _ in range(8)]
    for thread in threads:
        thread.start()
    extra = route("pe-three", free_port(), scene.cluster)
    for number in range(10):
        scene.proxy.apply([*scene.before, extra] if number % 2 else scene.before)
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []


@pytest.mark.parametrize("victim", ["master", "worker"])
def test_killed_during_a_hold_it_lets_nobody_through(scene: Scene, victim: str) -> None:
    """After kill -9 it is back in a second with its holds, and nobody reached the old server."""
    proxy = scene.proxy
    proxy.hold([ONE])
    pid = master_pid(proxy) if victim == "master" else worker_pids(proxy)[0]
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not proxy.is_running())
    began = time.monotonic()
    proxy.ensure_running()
    assert time.monotonic() - began < 1.0
    crowd = Crowd(scene, 20)
    wait_for_waiting(proxy, 20)
    assert count_clients(scene.source) == 0
    proxy.apply(scene.after)
    proxy.release([ONE])
    assert crowd.results() == {"cluster": 20}


def test_successor_of_a_killed_owner_adopts_it(scene: Scene) -> None:
    """A new object for the same folder finds the holds and can release them; nothing restarts."""
    proxy = scene.proxy
    proxy.hold([ONE])
    master = master_pid(proxy)
    crowd = Crowd(scene, 5)
    wait_for_waiting(proxy, 5)
    successor = HAProxy(proxy._files.home)
    successor.ensure_running()
    assert successor.held() == {ONE}
    assert master_pid(successor) == master
    successor.release([ONE])
    assert crowd.results() == {"source": 5}
    assert os.getsid(master) == master, "in a session of its own, it outlives its starter"


def test_pid_of_somebody_else_is_not_ours(scene: Scene) -> None:
    """A pid file that names another process makes nobody touch that process."""
    proxy = scene.proxy
    proxy.stop()
    proxy._files.pid.write_text(f"{os.getpid()}\n")
    assert not proxy.is_running()
    proxy.ensure_running()
    assert scene.who_answers() == "source"


def test_interrupted_hold_is_finished(scene: Scene) -> None:
    """A caller that died between writing a hold down and telling HAProxy still held."""
    proxy = scene.proxy
    proxy._files.held.write_text(f"{ONE} 1\n")
    proxy.ensure_running()
    crowd = Crowd(scene, 5)
    wait_for_waiting(proxy, 5)
    proxy.release([ONE])
    assert crowd.results() == {"source": 5}


def test_waiting_ends_after_its_limit(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has waited as long as allowed is closed, without ever reaching a server."""
    monkeypatch.setattr("sterna.endpoints.render.WAIT_SECONDS_MAX", 1)
    scene.proxy.apply(scene.before)
    scene.proxy.hold([ONE])
    with socket.create_connection(("127.0.0.1", scene.port), timeout=10) as client:
        assert client.recv(1) == b""
    assert scene.proxy.statistics()[ONE] == EndpointStatistics(sessions=0, waiting=0)


def test_clients_that_gave_up_reach_no_server(scene: Scene) -> None:
    """A client that closes while it waits is forgotten before the release."""
    scene.proxy.hold([ONE])
    clients = [socket.create_connection(("127.0.0.1", scene.port)) for _ in range(20)]
    wait_for_waiting(scene.proxy, 20)
    for client in clients:
        client.close()
    eventually(lambda: scene.proxy.statistics()[ONE].waiting == 0)


def test_whitelist_admits_and_rejects(scene: Scene) -> None:
    """Only addresses of the whitelist come in; an empty one lets nobody in."""
    proxy, (first, second) = scene.proxy, scene.before
    for networks in [("10.0.0.0/8", "192.168.1.7"), ()]:
        proxy.apply([replace(first, allowed_networks=networks), second])
        with pytest.raises(pymysql.Error):
            scene.who_answers()
    many = tuple(f"10.{n}.0.0/16" for n in range(200))
    proxy.apply([replace(first, allowed_networks=(*many, "127.0.0.0/8")), second])
    assert scene.who_answers() == "source"


def test_dead_server_is_refused_quickly_and_avoided(scene: Scene) -> None:
    """Nobody hangs on a dead server, and one alive beside it takes the connections."""
    proxy, first = scene.proxy, scene.before[0]
    dead = Backend("127.0.0.1", free_port())
    proxy.apply([replace(first, backends=(dead,))])
    began = time.monotonic()
    with pytest.raises(pymysql.Error):
        scene.who_answers()
    assert time.monotonic() - began < 3.0
    proxy.apply([replace(first, backends=(dead, *first.backends))])
    assert {scene.who_answers() for _ in range(4)} == {"source"}


def test_sweep_spares_endpoints_with_the_same_server(scene: Scene) -> None:
    """Cutting one endpoint leaves the sessions of another one to the same server alone."""
    proxy, first = scene.proxy, scene.before[0]
    twin = replace(first, name="pe-twin", port=free_port())
    proxy.apply([first, twin])
    cut, spared = scene.connect(), connect(twin.port)
    proxy.hold([ONE])
    assert proxy.sweep([ONE]) == 1
    assert server_of(spared) == "source"
    with pytest.raises(pymysql.Error):
        server_of(cut)
    spared.close()


def test_everything_may_be_repeated(scene: Scene) -> None:
    """Each call twice is like once, and names nobody knows are refused."""
    proxy = scene.proxy
    for _ in range(2):
        proxy.apply(scene.before)
        proxy.hold([ONE])
    assert proxy.sweep([ONE]) == proxy.sweep([ONE]) == 0
    for _ in range(2):
        proxy.release([ONE])
    assert scene.who_answers() == "source"
    with pytest.raises(Refused, match="serves no endpoint"):
        proxy.hold(["pe-nobody"])
    for _ in range(2):
        proxy.stop()
    assert not proxy.is_running()


def test_refused_routes_change_nothing(scene: Scene) -> None:
    """A port that is taken or a network that is none is refused; the endpoints go on."""
    proxy = scene.proxy
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = route("pe-busy", taken.getsockname()[1], scene.source)
        with pytest.raises(Refused):
            proxy.apply([*scene.before, busy])
    with pytest.raises(Refused, match="whitelist"):
        proxy.apply([replace(scene.before[0], allowed_networks=("everybody",))])
    assert scene.who_answers() == "source"
    proxy.stop()
    proxy.ensure_running()
    assert scene.who_answers() == "source"


def test_it_leaves_nothing_running(scene: Scene) -> None:
    """After stop there is no process with our configuration, whatever was reloaded before."""
    proxy = scene.proxy
    session = scene.connect()
    proxy.apply(scene.before[:1])
    proxy.stop()
    config = str(proxy._files.config)
    assert [
        p for p in psutil.process_iter(["cmdline"]) if config in (p.info["cmdline"] or [])
    ] == []
    session.close()
