"""A node's configuration file: deterministic, documented, safe to write."""

from __future__ import annotations

import configparser
from dataclasses import replace
from pathlib import Path

import pytest

from sterna.clusters.config import first_statements, render_config, sizes_of
from sterna.clusters.engines import Engine
from sterna.clusters.myrocks import myrocks_parameters
from sterna.clusters.provisioner import GIB, Admin, NodeSpec, Role
from sterna.errors import Refused
from sterna.mysql.version import Version


def spec_for(version: str, **parameters: str) -> NodeSpec:
    """A node of a version that need not be on this machine."""
    engine = Engine(Version.parse(version), ("/opt/mysqld",), Path("/opt"))
    return NodeSpec(
        id="pi-1",
        engine=engine,
        cluster=Path("/srv/pc-1"),
        port=3306,
        server_id=7,
        admin=Admin("sterna", "it's \\ secret"),
        parameters=parameters,
    )


def parameters_of(spec: NodeSpec) -> dict[str, str]:
    """What the file says; an error where it says something twice."""
    parser = configparser.ConfigParser(strict=True, interpolation=None)
    parser.read_string(render_config(spec))
    return dict(parser["mysqld"])


@pytest.mark.parametrize(
    ("version", "has", "has_not"),
    [
        ("5.6.24", {"log_slave_updates", "expire_logs_days"}, {"gtid_mode", "secure_file_priv"}),
        ("5.7.29", {"gtid_mode", "log_slave_updates"}, {"binlog_expire_logs_seconds"}),
        ("8.0.20", {"log_slave_updates", "innodb_log_file_size"}, {"log_replica_updates"}),
        ("8.0.36", {"log_replica_updates", "innodb_redo_log_capacity"}, {"log_slave_updates"}),
        ("8.4.3", {"mysql_native_password", "restrict_fk_on_non_standard_key"}, {"binlog_format"}),
        ("9.7.4", {"restrict_fk_on_non_standard_key"}, {"mysql_native_password"}),
        ("10.11.19-MariaDB", {"log_slave_updates"}, {"gtid_mode", "performance_schema"}),
    ],
)
def test_each_version_gets_the_words_it_knows(
    version: str, has: set[str], has_not: set[str]
) -> None:
    """Parameters follow the version: none is missing, none is from another version."""
    names = set(parameters_of(spec_for(version)))
    assert has <= names
    assert not has_not & names


def test_the_same_node_gets_the_same_file() -> None:
    """Writing it again changes nothing."""
    assert render_config(spec_for("9.7.4")) == render_config(spec_for("9.7.4"))


def test_a_parameter_of_the_user_stands_alone() -> None:
    """It replaces ours instead of standing beside it."""
    config = parameters_of(spec_for("9.7.4", read_only="OFF", init_connect="SET @a = 1"))
    assert config["read_only"] == "OFF"
    assert config["init_connect"] == '"SET @a = 1"'


@pytest.mark.parametrize(
    ("role", "read_only"), [("Writer", "ON"), ("Reader", "ON"), ("Instance", "OFF")]
)
def test_nodes_of_a_cluster_start_private(role: Role, read_only: str) -> None:
    """Only a stand-in for a customer's server starts open."""
    spec = replace(spec_for("9.7.4"), role=role)
    assert parameters_of(spec)["read_only"] == read_only


@pytest.mark.parametrize(("gib", "pool_gib"), [(1, 0.625), (8, 5), (64, 40)])
def test_buffers_follow_the_node_class(gib: int, pool_gib: float) -> None:
    """Five eighths of the memory are the buffer pool's, in whole chunks."""
    config = parameters_of(replace(spec_for("9.7.4"), memory_bytes=gib * GIB))
    assert int(config["innodb_buffer_pool_size"]) == pool_gib * GIB


def test_what_changes_while_it_runs_is_what_the_file_says() -> None:
    """The same sizes, with and without MyRocks, the limit of the capacity before the capacity."""
    limits = {"innodb_io_capacity": "1000", "innodb_io_capacity_max": "2000"}
    for parameters in (limits, {**limits, **myrocks_parameters(GIB, 40)}):
        spec = spec_for("10.11.14-MariaDB", **parameters)
        sizes = sizes_of(spec)
        assert sizes.items() <= parameters_of(spec).items()
        assert list(sizes)[-2:] == ["innodb_io_capacity_max", "innodb_io_capacity"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("a b", "1"), ("A", "1"), ("x\n[client]", "1"), ("x", "1\ny = 2"), ("x", 'a"b'), ("x", "\\")],
)
def test_what_cannot_be_written_is_refused(name: str, value: str) -> None:
    """No parameter can smuggle in another line."""
    with pytest.raises(Refused) as refused:
        render_config(spec_for("9.7.4", **{name: value}))
    assert refused.value.code == "BadParameter"


@pytest.mark.parametrize("version", ["5.6.24", "5.7.29", "9.7.4", "10.11.19-MariaDB"])
def test_the_first_statements_log_nothing_and_quote_the_password(version: str) -> None:
    """One statement per line, the binary log off first, the password a proper literal."""
    lines = first_statements(spec_for(version)).splitlines()
    assert lines[0] == "SET SESSION sql_log_bin = 0;"
    assert "CREATE USER 'sterna'@'127.0.0.1' IDENTIFIED BY 'it''s \\\\ secret';" in lines
    assert lines[-1].startswith("GRANT ALL PRIVILEGES")
    assert all(line.endswith(";") for line in lines)
