"""Which endpoints may be exchanged, and which are proposed."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sterna.endpoints.pairs import PAIRS_MAX, Pair, check_pairs, propose_pairs, unpaired


@dataclass(frozen=True)
class Endpoint:
    id: str
    type: str
    net_type: str = "Private"
    ssl_enabled: bool = False
    read_write_mode: str = "ReadWrite"
    part_of: str = ""


def endpoints(prefix: str, types: tuple[str, ...]) -> st.SearchStrategy[list[Endpoint]]:
    made = st.builds(
        Endpoint,
        id=st.integers(0, 99).map(lambda n: f"{prefix}{n:02}"),
        type=st.sampled_from(types),
        net_type=st.sampled_from(["Private", "Public"]),
        ssl_enabled=st.booleans(),
        read_write_mode=st.sampled_from(["ReadWrite", "ReadOnly"]),
        part_of=st.sampled_from(["", "", "", "pe-c00"]),
    )
    return st.lists(made, max_size=12, unique_by=lambda endpoint: endpoint.id)


@given(
    endpoints("pe-i", ("Primary", "ReadOnly", "Proxy", "Direct")),
    endpoints("pe-c", ("Primary", "Cluster", "Custom")),
)
def test_every_proposal_is_allowed(instance: list[Endpoint], cluster: list[Endpoint]) -> None:
    """What is proposed passes the check, whatever endpoints there are."""
    pairs = propose_pairs(instance, cluster)
    assert check_pairs(pairs, instance, cluster) is None
    assert len(unpaired(pairs, [*instance, *cluster])) == (
        len(instance) + len(cluster) - 2 * len(pairs)
    )


def test_proposal_prefers_the_same_role() -> None:
    """Primary goes with primary, read-only with the cluster endpoint, the rest stays alone."""
    instance = [Endpoint("i1", "ReadOnly"), Endpoint("i2", "Primary"), Endpoint("i3", "ReadOnly")]
    cluster = [Endpoint("c1", "Cluster"), Endpoint("c2", "Primary")]
    pairs = propose_pairs(instance, cluster)
    assert pairs == (Pair("i2", "c2"), Pair("i1", "c1"))
    assert [endpoint.id for endpoint in unpaired(pairs, instance)] == ["i3"]


def test_primary_takes_the_cluster_endpoint_where_there_is_no_other() -> None:
    """A primary with TLS is not paired with a primary without, but with a cluster endpoint."""
    cluster = [Endpoint("c1", "Cluster", ssl_enabled=True), Endpoint("c2", "Primary")]
    assert propose_pairs([Endpoint("i1", "Primary", ssl_enabled=True)], cluster) == (
        Pair("i1", "c1"),
    )


@pytest.mark.parametrize(
    ("one", "other", "says"),
    [
        (Endpoint("i", "Primary"), Endpoint("c", "Custom"), "not with Custom"),
        (Endpoint("i", "ReadOnly"), Endpoint("c", "Primary"), "not with Primary"),
        (Endpoint("i", "Primary"), Endpoint("c", "Primary", "Public"), "different networks"),
        (Endpoint("i", "Primary"), Endpoint("c", "Primary", ssl_enabled=True), "TLS"),
        (
            Endpoint("i", "Primary"),
            Endpoint("c", "Cluster", read_write_mode="ReadOnly"),
            "takes no writes",
        ),
        (
            Endpoint("i", "Proxy"),
            Endpoint("c", "Custom", read_write_mode="ReadOnly"),
            "takes no writes",
        ),
        (Endpoint("i", "ReadOnly"), Endpoint("c", "Cluster", part_of="pe"), "read-only port"),
        (Endpoint("x", "Primary"), Endpoint("c", "Primary"), "no endpoint i"),
        (Endpoint("i", "Primary"), Endpoint("x", "Primary"), "no endpoint c"),
    ],
)
def test_pair_is_refused_with_its_reason(one: Endpoint, other: Endpoint, says: str) -> None:
    """Every forbidden pair is refused with a sentence that names the reason."""
    refused = check_pairs([Pair("i", "c")], [one], [other])
    assert refused is not None
    assert says in str(refused)


def test_endpoint_is_in_one_pair_only() -> None:
    """An endpoint named twice is refused."""
    instance = [Endpoint("i1", "ReadOnly"), Endpoint("i2", "ReadOnly")]
    refused = check_pairs([Pair("i1", "c"), Pair("i2", "c")], instance, [Endpoint("c", "Cluster")])
    assert refused is not None
    assert "c is in more than one pair" in str(refused)


def test_no_more_than_seven_pairs() -> None:
    """Eight possible pairs: seven are proposed, eight are refused."""
    instance = [Endpoint(f"i{n}", "ReadOnly") for n in range(8)]
    cluster = [Endpoint(f"c{n}", "Custom") for n in range(8)]
    assert len(propose_pairs(instance, cluster)) == PAIRS_MAX
    refused = check_pairs([Pair(f"i{n}", f"c{n}") for n in range(8)], instance, cluster)
    assert refused is not None
    assert "at most 7" in str(refused)
