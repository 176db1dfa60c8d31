"""The whitelist a cluster inherits: everybody whom any endpoint of the instance lets in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sterna.endpoints.render import NETWORKS_MAX
from sterna.errors import Refused
from sterna.workflow.steps.preparing import inherited_whitelist
from tests.fixtures.pretend_service import ENDPOINT


def test_networks_are_merged() -> None:
    """The same addresses, in as few networks as there can be: no endpoint has room for all."""
    one = replace(ENDPOINT, allowed_networks=tuple(f"10.0.1.{n}" for n in range(256)))
    other = replace(ENDPOINT, allowed_networks=("10.0.1.7/32", "10.0.0.0/24", "fd00::/8"))
    assert inherited_whitelist([one, other]) == ("10.0.0.0/23", "fd00::/8")


def test_too_many_are_refused_before_they_are_kept() -> None:
    """One endpoint that cannot be served would be in the way of every exchange of others."""
    scattered = tuple(f"10.0.{n // 100}.{n % 100 * 2}" for n in range(NETWORKS_MAX + 1))
    with pytest.raises(Refused) as refused:
        inherited_whitelist([replace(ENDPOINT, allowed_networks=scattered)])
    assert refused.value.code == "BadEndpoint"
