"""What may be asked of a new cluster, and what of it is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sterna.clusters.myrocks import INNODB, MYROCKS, PERCENT_MAX, PERCENT_MIN
from sterna.clusters.readers import can_be_semi_sync, can_have_readers
from sterna.clusters.resizing import can_resize
from sterna.clusters.transfer import how_copied
from sterna.errors import Refused
from sterna.migration.scaling import Serverless
from sterna.mysql.version import Version
from sterna.workflow.tools import NODE_CLASSES

NODES_MAX = 15
SERVERLESS = "Serverless"
NETWORK = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")  # as endpoints have
PAY_TYPES = ("Postpaid", "Prepaid", SERVERLESS)
STORAGE_ENGINES = (INNODB, MYROCKS)


@dataclass(frozen=True)
class ClusterWish:
    """What is asked of a new cluster.

    Attributes:
        nodes: read-only nodes besides the primary, 0..15.
        ignore: names of prechecks whose findings are accepted.
        network_label: the network of its endpoints; empty: Private.
        hosts: ids or names of hosts the nodes are made on in turn, the primary first; none: here.
        existing: id or name of a registered server that becomes the primary; excludes `hosts`.
        serverless: the limits; given exactly with that billing method.
        semi_sync: whether commits wait for a read-only node.
        myrocks_memory_percent: of the buffers, where `storage_engine` has MyRocks.
    """

    instance_id: str
    target_version: str
    nodes: int = 0
    ignore: tuple[str, ...] = ()
    description: str = ""
    node_class: str = "sterna.small"
    pay_type: str = "Postpaid"
    network_label: str = ""
    hosts: tuple[str, ...] = ()
    existing: str = ""
    serverless: Serverless | None = None
    semi_sync: bool = False
    storage_engine: str = INNODB
    myrocks_memory_percent: int = 50


def refuse_wish(wish: ClusterWish, version: Version) -> None:
    """Refused for what a cluster of this version cannot have, wherever its nodes are."""
    refuse_node_class(wish.node_class)
    _refuse_network(wish)
    _refuse_pay_type(wish)
    _refuse_nodes(wish.nodes, version)
    _refuse_of_existing(wish)
    if wish.semi_sync:
        refuse_semi_sync(version)
    _refuse_storage_engine(wish)
    if wish.serverless:
        refuse_limits(wish.serverless, version)
        _refuse_outside(wish.nodes, wish.serverless)


def refuse_limits(limits: Serverless, version: Version) -> None:
    """Refused: NodeClassNotFound, BadLimits, TooManyNodes, NodesNotSupported."""
    for name in (limits.memory_min_class, limits.memory_max_class):
        refuse_node_class(name)
    least, most = NODE_CLASSES[limits.memory_min_class], NODE_CLASSES[limits.memory_max_class]
    if least > most or not 0 <= limits.nodes_min <= limits.nodes_max:
        raise Refused(
            f"The limits {limits} leave nothing between them.",
            code="BadLimits",
            remedy="Give the smaller first, such as sterna.small:sterna.large and 0:3.",
        )
    _refuse_nodes(limits.nodes_max, version)
    if limits.nodes_max and how_copied(version) == "files":
        raise Refused(
            f"A read-only node of {version} is made while another node stands still: not without"
            " being asked for.",
            code="ServerlessNotSupported",
            remedy="Limit it to no read-only nodes, 0:0, and add some yourself; or choose MySQL"
            " 8.0.17 or newer as the target.",
        )
    if not can_resize(version):
        raise Refused(
            f"{version} changes the memory it uses only with a restart.",
            code="ServerlessNotSupported",
            remedy="Choose another billing method, or MySQL 5.7.5 or newer as the target.",
        )


def refuse_node_class(node_class: str) -> None:
    """Refused: NodeClassNotFound."""
    if node_class not in NODE_CLASSES:
        raise Refused(
            f"There is no node class {node_class}.",
            code="NodeClassNotFound",
            remedy=f"There are: {', '.join(NODE_CLASSES)}.",
        )


def _refuse_network(wish: ClusterWish) -> None:
    """No endpoint of an instance could have such a label, and so be exchanged."""
    if wish.network_label and not NETWORK.fullmatch(wish.network_label):
        raise Refused(
            f"{wish.network_label!r} is no label of a network.",
            code="BadEndpoint",
            remedy="Labels are up to 32 letters, digits, _ and -, a letter first, such as Private.",
        )


def _refuse_pay_type(wish: ClusterWish) -> None:
    if wish.pay_type not in PAY_TYPES:
        raise Refused(
            f"There is no billing method {wish.pay_type}.",
            code="PayTypeNotFound",
            remedy=f"There are: {', '.join(PAY_TYPES)}.",
        )
    if (wish.pay_type == SERVERLESS) != (wish.serverless is not None):
        raise Refused(
            "Limits are given exactly with the billing method Serverless.",
            code="BadLimits",
            remedy="E.g. --pay-type Serverless --serverless-classes sterna.small:sterna.large"
            " --serverless-nodes 0:3.",
        )


def _refuse_outside(nodes: int, limits: Serverless) -> None:
    if nodes > limits.nodes_max:
        raise Refused(
            f"{nodes} read-only nodes are more than the limits allow, {limits}.",
            code="TooManyNodes",
            remedy="Leave them out: they come when the load asks for them.",
        )


def _refuse_of_existing(wish: ClusterWish) -> None:
    """What takes another configuration than its owner's."""
    if wish.existing and (wish.serverless or wish.semi_sync or wish.storage_engine != INNODB):
        raise Refused(
            f"{wish.existing} is a server that is there already: its memory and its plugins are"
            " its owner's to choose. Nothing was made.",
            code="BadPlace",
            remedy="Leave these options out, or have the nodes made: sterna host list.",
        )


def refuse_semi_sync(target: Version) -> None:
    """Refused: SemiSyncNotSupported."""
    if not can_be_semi_sync(target):
        raise Refused(
            f"Commits of {target} cannot wait for read-only nodes.",
            code="SemiSyncNotSupported",
            remedy="Leave it out; clusters of MySQL 8.0.26 or MariaDB 10.3, or newer, can do it.",
        )


def _refuse_storage_engine(wish: ClusterWish) -> None:
    known = wish.storage_engine in STORAGE_ENGINES
    if not known or not PERCENT_MIN <= wish.myrocks_memory_percent <= PERCENT_MAX:
        raise Refused(
            f"There is no storage engine {wish.storage_engine} with"
            f" {wish.myrocks_memory_percent} % of the memory for MyRocks.",
            code="StorageEngineNotFound",
            remedy=f"There are: {', '.join(STORAGE_ENGINES)}; MyRocks with {PERCENT_MIN} to"
            f" {PERCENT_MAX} %.",
        )


def _refuse_nodes(nodes: int, target: Version) -> None:
    if nodes > NODES_MAX:
        raise Refused(
            f"{nodes} read-only nodes are more than a cluster can have.",
            code="TooManyNodes",
            remedy=f"Ask for {NODES_MAX} at most.",
        )
    if nodes and not can_have_readers(target):
        raise Refused(
            f"{target} has no replication by GTIDs that read-only nodes could follow.",
            code="NodesNotSupported",
            remedy="Leave out --nodes, or choose MySQL 5.7 or MariaDB 10.3, or newer, as target.",
        )
