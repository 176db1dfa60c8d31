"""When a serverless cluster grows and when it shrinks: up fast, down slow. Pure values.

Five measures decide, because each stands for somebody who waits, and each is one number of every
server of every version, on this machine or another one:

    pages missed           reads that had to wait for the disk: the pool is too small
    pages asked for        how many could be missed at worst, if the pool were smaller
    share of the pool used whether a smaller one would hold the same
    sessions at work       waiting for processors, disks or locks alike
    connections taken      the next client would be turned away

The shares of processors are not among them: nodes share them with each other and with strangers.
What makes it shrink can never be what makes it grow again: see `_spare_memory`, `_spare_node`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass


@dataclass(frozen=True)
class Serverless:
    """The limits somebody has set: the classes of the nodes, and the number of read-only nodes."""

    memory_min_class: str
    memory_max_class: str
    nodes_min: int = 0
    nodes_max: int = 0

    def __str__(self) -> str:
        classes = f"{self.memory_min_class} to {self.memory_max_class}"
        return f"{classes}, {self.nodes_min} to {self.nodes_max} read-only nodes"


@dataclass(frozen=True)
class Size:
    """What a cluster has: memory of each node, and read-only nodes."""

    memory_bytes: int
    nodes: int


@dataclass(frozen=True)
class Bounds:
    """What a cluster may have.

    Attributes:
        memories: bytes of the node classes that are allowed, smallest first; at least one.
    """

    memories: tuple[int, ...]
    nodes_min: int
    nodes_max: int


@dataclass(frozen=True)
class Load:
    """What the nodes of a cluster did at one look, or on average over some.

    Attributes:
        at_seconds: of a clock that only goes forward.
        misses_per_second: pages read from disk, of the node with most.
        requests_per_second: pages asked for, of the node with most.
        pool_share: of the buffer pool that holds pages, of the fullest node; 0..1.
        sessions: at work on all read-only nodes together.
        connections_share: of their connections, all read-only nodes together; 0..number of nodes.
        primary_sessions: at work on the primary.
        primary_connections_share: 0..1.
    """

    at_seconds: float
    misses_per_second: float = 0.0
    requests_per_second: float = 0.0
    pool_share: float = 0.0
    sessions: float = 0.0
    connections_share: float = 0.0
    primary_sessions: float = 0.0
    primary_connections_share: float = 0.0


@dataclass(frozen=True)
class Rules:
    """When it is too much and when too little; a change waits until all of a time is seen."""

    up_seconds: float = 30.0
    down_seconds: float = 900.0
    misses_per_second_high: float = 200.0
    misses_share_high: float = 0.005  # of the pages asked for; below it the disk is not felt
    pool_share_high: float = 0.8  # a pool with room only has to become warm
    pool_share_low: float = 0.7  # of the next smaller one
    sessions_high: float = 8.0  # of each node that serves reads
    connections_share_high: float = 0.8


RULES = Rules()


@dataclass(frozen=True)
class Change:
    """What a cluster should have, and why."""

    to: Size
    because: str


def decide(
    size: Size, bounds: Bounds, looks: Sequence[Load], *, rules: Rules = RULES
) -> Change | None:
    """What to change now, one thing at a time; None: nothing.

    Args:
        looks: what was seen since the last change without a gap, oldest first.
    """
    inside = _inside(size, bounds)
    if inside != size:
        return Change(inside, "that is within its limits")
    lately, long = _mean(looks, rules.up_seconds), _mean(looks, rules.down_seconds)
    if lately is not None and (change := _more(size, bounds, lately, rules)):
        return change
    if lately is not None and long is not None:
        return _less(size, bounds, (lately, long), rules)
    return None


def _inside(size: Size, bounds: Bounds) -> Size:
    memory = size.memory_bytes
    if memory not in bounds.memories:
        larger = (each for each in bounds.memories if each > memory)
        memory = next(larger, bounds.memories[-1])
    return Size(memory, min(max(size.nodes, bounds.nodes_min), bounds.nodes_max))


def _mean(looks: Sequence[Load], seconds: float) -> Load | None:
    """The average of the last so many seconds; None where less than that was seen."""
    if not looks or looks[-1].at_seconds - looks[0].at_seconds < seconds:
        return None
    since = looks[-1].at_seconds - seconds
    rows = [astuple(look)[1:] for look in looks if look.at_seconds >= since]
    means = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    return Load(looks[-1].at_seconds, *means)


def _more(size: Size, bounds: Bounds, load: Load, rules: Rules) -> Change | None:
    larger = [each for each in bounds.memories if each > size.memory_bytes]
    if larger and (because := _tight_memory(load, rules)):
        return Change(Size(larger[0], size.nodes), because)
    if size.nodes < bounds.nodes_max and (because := _tight_nodes(size.nodes, load, rules)):
        return Change(Size(size.memory_bytes, size.nodes + 1), because)
    return None


def _less(size: Size, bounds: Bounds, loads: Sequence[Load], rules: Rules) -> Change | None:
    minutes = f"for {rules.down_seconds / 60:g} minutes"
    if size.nodes > bounds.nodes_min and all(_spare_node(size.nodes, x, rules) for x in loads):
        because = f"{minutes} the others could have served its sessions"
        return Change(Size(size.memory_bytes, size.nodes - 1), because)
    smaller = [each for each in bounds.memories if each < size.memory_bytes]
    if smaller and all(_spare_memory(size, smaller[-1], each, rules) for each in loads):
        return Change(Size(smaller[-1], size.nodes), f"{minutes} less memory would have done")
    return None


def _tight_memory(load: Load, rules: Rules) -> str:
    missed = load.misses_per_second
    if missed < rules.misses_per_second_high or load.pool_share < rules.pool_share_high:
        return ""
    if missed < load.requests_per_second * rules.misses_share_high:
        return ""
    return f"{missed:.0f} pages a second were missing in a full buffer pool"


def _spare_memory(size: Size, smaller: int, load: Load, rules: Rules) -> bool:
    """Whether the smaller pool would hold the same pages, or nothing it lacks could be felt.

    Then it cannot become tight by the same load: it is not full, or even if each page that is
    asked for were missed, that is less than what counts as tight.
    """
    fits = load.pool_share * size.memory_bytes <= rules.pool_share_low * smaller
    most_missed = load.misses_per_second if fits else load.requests_per_second
    return most_missed <= rules.misses_per_second_high / 2


def _tight_nodes(nodes: int, load: Load, rules: Rules) -> str:
    working, connected = _of_each(nodes, load)
    if working >= rules.sessions_high:
        return f"{working:.1f} sessions were at work on each node that serves reads"
    if connected >= rules.connections_share_high:
        return f"{connected:.0%} of the connections of each node that serves reads were taken"
    return ""


def _of_each(nodes: int, load: Load) -> tuple[float, float]:
    """(sessions, share of connections) of each node that serves reads; without any, the primary."""
    if not nodes:
        return load.primary_sessions, load.primary_connections_share
    return load.sessions / nodes, load.connections_share / nodes


def _spare_node(nodes: int, load: Load, rules: Rules) -> bool:
    """Whether the other nodes could do its work and were half as busy as what counts as tight.

    The work of the last one goes to the primary.
    """
    if nodes > 1:
        working, connected = _of_each(nodes - 1, load)
    else:
        working = load.sessions + load.primary_sessions
        connected = load.connections_share + load.primary_connections_share
    return working <= rules.sessions_high / 2 and connected <= rules.connections_share_high / 2
