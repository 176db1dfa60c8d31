"""`make bench-endpoints`: what Sterna's endpoints cost beside a plain HAProxy.

Renders the configuration of 10,000 endpoints. Then many sessions at once ask a small server for
answers of some kilobytes, through an endpoint with a whitelist and two servers behind it, and
through a HAProxy that knows nothing but two servers, with one thread like Sterna's and with as many
as it likes; the three take turns, and the median round of each counts. Processor time of the proxy
is measured beside the throughput, for on a busy machine that is what stays true. New sessions are
counted apart: each passes a script, for the whitelist and the hold. Writes
bench/results/endpoints.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from sterna.endpoints.haproxy import HAProxy
from sterna.endpoints.proxy import Backend, Route
from sterna.endpoints.render import Files, Process, render

RESULTS = Path(__file__).parent / "results"
ASK = b"0123456789abcdef"
ANSWER_BYTES = 4096
CONNECT_AT_ONCE = 100
PLAIN = """\
global
    maxconn 5000
{threads}
defaults
    mode tcp
    timeout connect 3s
    timeout client 1h
    timeout server 1h
listen plain
    bind 127.0.0.1:{port}
    balance leastconn
    server s1 127.0.0.1:{one}
    server s2 127.0.0.1:{other}
"""


@dataclass(frozen=True)
class Round:
    """Round trips and new sessions of one round, and what the proxy's processor did for them."""

    trips_per_second: float
    proxy_microseconds_per_trip: float
    sessions_per_second: float


@dataclass(frozen=True)
class Candidate:
    """A proxy to measure: where it listens, and its processes."""

    name: str
    port: int
    pids: tuple[int, ...]


def free_port() -> int:
    """A port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


# --- the server behind the proxies


class Answering(asyncio.Protocol):
    """Answers each question with the same kilobytes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember whom to answer."""
        self.transport: Any = transport
        self.answer = b"x" * ANSWER_BYTES

    def data_received(self, data: bytes) -> None:
        """One answer for each question."""
        self.transport.write(self.answer * (len(data) // len(ASK)))


def serve(port: int) -> None:
    """Answer until killed."""

    async def forever() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Answering, "127.0.0.1", port, backlog=4096)
        await server.serve_forever()

    asyncio.run(forever())


@contextmanager
def answering_server() -> Iterator[int]:
    """The port of a server in a process of its own."""
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(port,), daemon=True)
    process.start()
    wait_for(port)
    yield port
    process.kill()


def wait_for(port: int) -> None:
    """Until somebody listens."""
    for _ in range(500):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"nobody listens on {port}")


# --- the clients


class Asking(asyncio.Protocol):
    """Asks again as soon as it has the whole answer."""

    def __init__(self, counter: list[int]) -> None:
        self.counter = counter
        self.missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember whom to ask."""
        self.transport: Any = transport

    def ask(self) -> None:
        """The next question."""
        self.missing = ANSWER_BYTES
        self.transport.write(ASK)

    def data_received(self, data: bytes) -> None:
        """A part of the answer."""
        self.missing -= len(data)
        if self.missing == 0:
            self.counter[0] += 1
            self.ask()


async def measure(candidate: Candidate, sessions: int, seconds: float) -> Round:
    """One round."""
    loop, counter = asyncio.get_running_loop(), [0]
    clients: list[Asking] = []
    began = time.perf_counter()
    for start in range(0, sessions, CONNECT_AT_ONCE):
        count = min(CONNECT_AT_ONCE, sessions - start)
        made = await asyncio.gather(
            *(
                loop.create_connection(lambda: Asking(counter), "127.0.0.1", candidate.port)
                for _ in range(count)
            )
        )
        clients += [client for _, client in made]
    for client in clients:
        client.ask()
    while counter[0] < sessions:  # every session has reached a server
        await asyncio.sleep(0.01)
    connected_seconds = time.perf_counter() - began
    counter[0], before, began = 0, cpu_seconds(candidate.pids), time.perf_counter()
    await asyncio.sleep(seconds)
    trips, elapsed = counter[0], time.perf_counter() - began
    used = cpu_seconds(candidate.pids) - before
    for client in clients:
        client.transport.abort()
    return Round(trips / elapsed, used / max(trips, 1) * 1e6, sessions / connected_seconds)


def cpu_seconds(pids: tuple[int, ...]) -> float:
    """Processor time of these processes until now."""
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(each.user + each.system for each in times)


# --- the proxies


@contextmanager
def sterna(folder: Path, servers: tuple[int, int]) -> Iterator[Candidate]:
    """An endpoint of Sterna."""
    port = free_port()
    backends = tuple(Backend("127.0.0.1", each) for each in servers)
    allowed = (*(f"10.{n}.0.0/16" for n in range(20)), "127.0.0.0/8")
    proxy = HAProxy(folder)
    proxy.apply([Route("pe-bench", "127.0.0.1", port, backends, allowed)])
    try:
        parent = int((folder / "haproxy.pid").read_text().split()[0])
        workers = [child.pid for child in psutil.Process(parent).children()]
        yield Candidate("sterna", port, (parent, *workers))
    finally:
        proxy.stop()


@contextmanager
def plain(folder: Path, name: str, threads: str, servers: tuple[int, int]) -> Iterator[Candidate]:
    """A HAProxy that knows nothing but two servers."""
    port, config = free_port(), folder / f"{name}.cfg"
    one, other = servers
    config.write_text(PLAIN.format(port=port, one=one, other=other, threads=threads))
    process = subprocess.Popen(["/usr/sbin/haproxy", "-db", "-f", str(config)])
    try:
        wait_for(port)
        yield Candidate(name, port, (process.pid,))
    finally:
        process.kill()
        process.wait()


def render_seconds(count: int) -> tuple[float, float]:
    """How long the configuration of so many endpoints takes to render; and the processor's time."""
    routes = [
        Route(
            f"pe-{n:08x}",
            f"127.0.{n // 50_000}.1",
            1024 + n % 50_000,
            tuple(Backend("127.0.0.1", 20_000 + (3 * n + k) % 900) for k in range(3)),
            tuple(f"10.{k}.0.0/16" for k in range(20)),
        )
        for n in range(count)
    ]
    began, used = time.perf_counter(), time.process_time()
    render(routes, files=Files(Path("/nowhere")), process=Process(20_000))
    return time.perf_counter() - began, time.process_time() - used


def compare(sessions: int, rounds: int, seconds: float) -> dict[str, list[Round]]:
    """The rounds of each proxy, taken in turns."""
    found: dict[str, list[Round]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sterna-bench-")))
        folder.chmod(0o755)
        servers = (
            stack.enter_context(answering_server()),
            stack.enter_context(answering_server()),
        )
        one = plain(folder, "plain, one thread", "    nbthread 1", servers)
        many = plain(folder, "plain, its own choice of threads", "", servers)
        ours = sterna(folder / "proxy", servers)
        candidates = [stack.enter_context(each) for each in (ours, one, many)]
        for _ in range(rounds):
            for candidate in candidates:
                measured = asyncio.run(measure(candidate, sessions, seconds))
                found.setdefault(candidate.name, []).append(measured)
    return found


def summary(found: dict[str, list[Round]]) -> dict[str, dict[str, float]]:
    """The medians of each proxy."""
    fields = ("trips_per_second", "proxy_microseconds_per_trip", "sessions_per_second")
    return {
        name: {
            field: round(statistics.median(getattr(each, field) for each in rounds), 2)
            for field in fields
        }
        for name, rounds in found.items()
    }


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--endpoints", type=int, default=10_000)
    asked = parser.parse_args()
    rendered, rendered_cpu = min(render_seconds(asked.endpoints) for _ in range(3))
    medians = summary(compare(asked.sessions, asked.rounds, asked.seconds))
    ours, one = medians["sterna"], medians["plain, one thread"]
    many = medians["plain, its own choice of threads"]
    result = {
        "endpoints": asked.endpoints,
        "render_seconds": round(rendered, 3),
        "render_cpu_seconds": round(rendered_cpu, 3),
        "sessions": asked.sessions,
        "throughput_ratio": round(ours["trips_per_second"] / one["trips_per_second"], 3),
        "throughput_ratio_to_many_threads": round(
            ours["trips_per_second"] / many["trips_per_second"], 3
        ),
        "proxy_time_ratio": round(
            ours["proxy_microseconds_per_trip"] / one["proxy_microseconds_per_trip"], 3
        ),
        "new_sessions_ratio": round(ours["sessions_per_second"] / one["sessions_per_second"], 3),
        "medians": medians,
        "load_average": os.getloadavg()[0],
    }
    (RESULTS / "endpoints.json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
