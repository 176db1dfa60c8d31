"""What may be asked of a new cluster, and what is refused before anything is made."""

from __future__ import annotations

from typing import Any

import pytest

from sterna.clusters.myrocks import MYROCKS, myrocks_parameters
from sterna.errors import Refused
from sterna.migration.scaling import Serverless
from sterna.mysql.version import Version
from sterna.workflow.wishes import ClusterWish, refuse_wish

NEW, MIDDLE, OLD, MARIADB = (
    Version.parse(text) for text in ("9.7.1", "5.7.44", "5.6.51", "10.11.19-MariaDB")
)
LIMITS = Serverless("sterna.small", "sterna.large", 1, 3)


def code_of(version: Version, **asked: Any) -> str:
    """The code of the refusal; empty where there is none."""
    try:
        refuse_wish(ClusterWish("rm-1", str(version), **asked), version)
    except Refused as refused:
        return refused.code
    return ""


@pytest.mark.parametrize(
    ("version", "asked", "code"),
    [
        (NEW, {}, ""),
        (NEW, {"pay_type": "Serverless", "serverless": LIMITS}, ""),
        (NEW, {"pay_type": "Serverless"}, "BadLimits"),
        (NEW, {"serverless": LIMITS}, "BadLimits"),
        (NEW, {"pay_type": "Later"}, "PayTypeNotFound"),
        (NEW, {"pay_type": "Serverless", "serverless": LIMITS, "nodes": 4}, "TooManyNodes"),
        (
            NEW,
            {"pay_type": "Serverless", "serverless": Serverless("sterna.large", "sterna.small")},
            "BadLimits",
        ),
        (MARIADB, {"pay_type": "Serverless", "serverless": LIMITS}, ""),
        (MIDDLE, {"pay_type": "Serverless", "serverless": LIMITS}, "ServerlessNotSupported"),
        (MIDDLE, {"nodes": 2}, ""),
        (OLD, {"nodes": 1}, "NodesNotSupported"),
        (
            OLD,
            {"pay_type": "Serverless", "serverless": Serverless("sterna.small", "sterna.small")},
            "ServerlessNotSupported",
        ),
        (NEW, {"semi_sync": True, "nodes": 2}, ""),
        (MARIADB, {"semi_sync": True}, ""),
        (MIDDLE, {"semi_sync": True}, "SemiSyncNotSupported"),
        (MARIADB, {"storage_engine": MYROCKS}, ""),
        (MARIADB, {"storage_engine": "Archive"}, "StorageEngineNotFound"),
        (
            MARIADB,
            {"storage_engine": MYROCKS, "myrocks_memory_percent": 95},
            "StorageEngineNotFound",
        ),
        (NEW, {"existing": "theirs", "semi_sync": True}, "BadPlace"),
        (NEW, {"network_label": "Private"}, ""),
        (NEW, {"network_label": "my net"}, "BadEndpoint"),
    ],
)
def test_refusals(version: Version, asked: dict[str, Any], code: str) -> None:
    """Each wish that cannot be fulfilled has its code, and no other is refused."""
    assert code_of(version, **asked) == code


def test_the_buffers_are_shared_out() -> None:
    """MyRocks has its share, InnoDB whole steps of the rest, and both have something."""
    for percent in (10, 50, 90):
        given = myrocks_parameters(8 * 1024**3, percent)
        both = int(given["innodb_buffer_pool_size"]) + int(given["rocksdb_block_cache_size"])
        assert 0 <= 5 * 1024**3 - both < 128 * 1024**2
    assert int(myrocks_parameters(1024**3, 90)["innodb_buffer_pool_size"]) == 128 * 1024**2
