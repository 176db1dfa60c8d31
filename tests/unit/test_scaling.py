"""When a serverless cluster grows and shrinks: limits and hysteresis, for every load there is."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from sterna.migration.scaling import RULES, Bounds, Load, Size, decide

GIB = 1024**3
MEMORIES = (1 * GIB, 2 * GIB, 8 * GIB, 32 * GIB)
LOOK_SECONDS = 15.0
ANY = Bounds(MEMORIES, 0, 15)


@dataclass(frozen=True)
class Demand:
    """What applications ask for, whatever the cluster has."""

    pages_per_second: float
    pages_bytes: float  # of the pages they ask for, all alike often
    reads: float  # sessions at work that read, served by read-only nodes where there are any
    writes: float
    connected: float  # share of one node's connections

    def on(self, size: Size, at_seconds: float = 0.0) -> Load:
        """What a cluster of this size does with it."""
        missing = max(0.0, 1 - size.memory_bytes / (self.pages_bytes or 1))
        at_readers = bool(size.nodes)
        return Load(
            at_seconds,
            misses_per_second=self.pages_per_second * missing,
            requests_per_second=self.pages_per_second,
            pool_share=min(1.0, self.pages_bytes / size.memory_bytes),
            sessions=self.reads * at_readers,
            connections_share=self.connected * at_readers,
            primary_sessions=self.writes + self.reads * (not at_readers),
            primary_connections_share=self.connected * (not at_readers),
        )


def steady(load: Load, seconds: float) -> tuple[Load, ...]:
    """The same for so long."""
    count = int(seconds / LOOK_SECONDS) + 2
    return tuple(replace(load, at_seconds=n * LOOK_SECONDS) for n in range(count))


LONG = 2 * RULES.down_seconds
sizes = st.builds(Size, st.sampled_from(MEMORIES), st.integers(0, 15))
loads = st.builds(
    Load,
    at_seconds=st.just(0.0),
    misses_per_second=st.floats(0, 1e5),
    requests_per_second=st.floats(0, 1e7),
    pool_share=st.floats(0, 1),
    sessions=st.floats(0, 1e4),
    connections_share=st.floats(0, 15),
    primary_sessions=st.floats(0, 1e4),
    primary_connections_share=st.floats(0, 1),
)
demands = st.builds(
    Demand,
    pages_per_second=st.floats(0, 1e6),
    pages_bytes=st.floats(0, 100 * GIB),
    reads=st.floats(0, 500),
    writes=st.floats(0, 500),
    connected=st.floats(0, 20),
)


@st.composite
def bounds_(draw: st.DrawFn) -> Bounds:
    """Some classes beside each other, some range of nodes."""
    first, last = sorted(draw(st.tuples(st.integers(0, 3), st.integers(0, 3))))
    least, most = sorted(draw(st.tuples(st.integers(0, 15), st.integers(0, 15))))
    return Bounds(MEMORIES[first : last + 1], least, most)


@given(sizes, bounds_(), loads, st.floats(0, 2000))
def test_limits_are_kept(size: Size, bounds: Bounds, load: Load, seconds: float) -> None:
    """Whatever is seen, what comes out is within the limits; without them nothing else counts."""
    change = decide(size, bounds, steady(load, seconds))
    after = change.to if change else size
    assert after.memory_bytes in bounds.memories
    assert bounds.nodes_min <= after.nodes <= bounds.nodes_max


@given(sizes, loads)
def test_up_fast_down_slow_one_thing_at_a_time(size: Size, load: Load) -> None:
    """Nothing within half a minute; nothing is taken away within a quarter of an hour; each
    change is one class or one node."""
    assert decide(size, ANY, ()) is None
    early = steady(load, RULES.up_seconds - LOOK_SECONDS)[:-1]
    assert decide(size, ANY, early) is None
    for seconds in (RULES.up_seconds, LONG):
        if (change := decide(size, ANY, steady(load, seconds))) is None:
            continue
        rung = MEMORIES.index(change.to.memory_bytes) - MEMORIES.index(size.memory_bytes)
        step = change.to.nodes - size.nodes
        assert abs(rung) + abs(step) == 1
        assert change.because
        if seconds == RULES.up_seconds:
            assert rung + step == 1


@given(sizes, demands)
def test_a_steady_demand_comes_to_rest(size: Size, demand: Demand) -> None:
    """A cluster that has once grown for a demand never shrinks under it, nor the other way."""
    memory, nodes = list[int](), list[int]()
    for _ in range(40):
        change = decide(size, ANY, steady(demand.on(size), LONG))
        if change is None:
            break
        memory.append(change.to.memory_bytes - size.memory_bytes)
        nodes.append(change.to.nodes - size.nodes)
        size = change.to
    else:
        raise AssertionError(f"still at it: {memory} {nodes}")
    for steps in (memory, nodes):
        assert not (min(steps, default=0) < 0 < max(steps, default=0)), (memory, nodes)


def test_what_makes_it_grow() -> None:
    """Pages missing in a full pool, sessions at work, connections taken; a cold pool does not."""
    size = Size(GIB, 1)
    missing = Load(0, misses_per_second=300, requests_per_second=20_000, pool_share=0.95)
    for load, expected in (
        (missing, Size(2 * GIB, 1)),
        (replace(missing, pool_share=0.4), size),
        (replace(missing, requests_per_second=1e6), size),
        (Load(0, sessions=8, requests_per_second=5000, pool_share=0.5), Size(GIB, 2)),
        (Load(0, connections_share=0.9, requests_per_second=5000), Size(GIB, 2)),
        (Load(0, primary_sessions=50, requests_per_second=5000), size),
    ):
        change = decide(size, ANY, steady(load, RULES.up_seconds))
        assert (change.to if change else size) == expected, load


def test_a_short_calm_takes_nothing_away() -> None:
    """Until the last look is calm as well, and all of the time before on average."""
    size, calm = Size(8 * GIB, 2), Load(0, pool_share=0.9, requests_per_second=10)
    looks = steady(calm, LONG)
    assert decide(size, ANY, looks) is not None
    busy = replace(looks[-1], sessions=30, requests_per_second=5000)
    assert decide(size, ANY, (*looks[:-1], busy)) is None
