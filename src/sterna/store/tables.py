"""The tables of the store. Column names are the field names of `records`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    false,
    types,
)


class UtcDateTime(types.TypeDecorator[datetime]):
    """Aware datetimes in, aware UTC datetimes out, whatever the database keeps."""

    impl = types.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """To naive UTC; a naive value is refused."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a time zone was given to the store")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """From naive UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


metadata = MetaData()


def _id() -> Column[str]:
    return Column("id", String(32), primary_key=True)


def _text(name: str, default: str = "") -> Column[str]:
    return Column(name, Text, nullable=False, default=default, server_default=default)


def _integer(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, default=0, server_default="0")


def _time(name: str, *, nullable: bool = False) -> Column[datetime]:
    return Column(name, UtcDateTime, nullable=nullable)


instances = Table(
    "instances",
    metadata,
    _id(),
    _text("description"),
    _text("host"),
    _integer("port"),
    _text("user"),
    _text("password_encrypted"),
    _text("version"),
    _text("tls"),
    _text("status"),
    _time("created_at"),
)

clusters = Table(
    "clusters",
    metadata,
    _id(),
    _text("description"),
    _text("version"),
    _text("engine"),
    _text("node_class"),
    _text("storage_engine"),
    _text("pay_type"),
    _text("network_label"),
    Column("serverless", JSON),
    Column("semi_sync", Boolean, nullable=False, default=False, server_default=false()),
    _integer("myrocks_memory_percent"),
    Column("hosts", JSON, nullable=False, default=list, server_default="[]"),
    _text("status"),
    _text("admin_user"),
    _text("admin_password_encrypted"),
    Column("parameters", JSON, nullable=False, default=dict, server_default="{}"),
    _time("created_at"),
    _time("counted_until", nullable=True),
)

# Other machines, and servers somebody else has made.
hosts = Table(
    "hosts",
    metadata,
    _id(),
    Column("name", String(64), nullable=False, unique=True),
    _text("kind"),  # ssh | existing
    _text("address"),
    _integer("port"),
    _text("user"),
    _text("secret_encrypted"),  # a private key, or a password
    _text("host_key"),
    _text("fingerprint"),
    _text("folder"),
    _text("servers"),
    Column("engines", JSON, nullable=False),
    Column("versions", JSON, nullable=False),
    _integer("server_id"),
    Column("accounts", JSON, nullable=False),
    _time("created_at"),
)

nodes = Table(
    "nodes",
    metadata,
    _id(),
    Column("cluster_id", ForeignKey("clusters.id"), nullable=False, index=True),
    _text("role"),
    _text("host"),
    _integer("port"),
    _text("status"),
    _integer("server_id"),
    _text("node_class"),
    _text("host_id"),
    _text("progress"),
    _text("authority"),
    Column("storage_bytes", BigInteger, nullable=False, default=0, server_default="0"),
    Column("storage_measured_at", UtcDateTime),
)

endpoints = Table(
    "endpoints",
    metadata,
    _id(),
    Column("owner_id", String(32), nullable=False, index=True),
    _text("type"),
    _text("read_write_mode"),
    _text("host"),
    Column("port", Integer, nullable=False, unique=True),
    _text("net_type"),
    Column("ssl_enabled", Boolean, nullable=False, default=False),
    _text("state"),
    Column("routes_to", JSON, nullable=False),
    _text("name"),
    Column("nodes", JSON, nullable=False, default=dict, server_default="{}"),
    Column("allowed_networks", JSON, nullable=False),
    Column("part_of", String(32), nullable=False, default="", server_default=""),
)

# What clusters have used, added up for each hour.
usage = Table(
    "usage",
    metadata,
    Column("cluster_id", String(32), primary_key=True),
    Column("hour", UtcDateTime, primary_key=True),
    Column("node_class", String(64), primary_key=True),
    _text("pay_type"),
    Column("node_seconds", Float, nullable=False, default=0.0),
    Column("storage_byte_seconds", Float, nullable=False, default=0.0),
    Column("assumed_seconds", Float, nullable=False, default=0.0, server_default="0"),
)

migrations = Table(
    "migrations",
    metadata,
    Column("cluster_id", String(32), primary_key=True),
    Column("instance_id", String(32), nullable=False, index=True),
    _text("status"),
    _text("topology"),
    _text("source_mode"),
    _text("cluster_mode"),
    _text("method"),
    _time("expires_at"),
    _time("created_at"),
    _text("task_id"),
    _text("comment"),
    _text("operation"),
    Column("with_endpoints", Boolean, nullable=False, default=False),
    Column("switch_outage_ms", Float),
    Column("rollback_outage_ms", Float),
    Column("ignored", JSON, nullable=False),
)

operations = Table(
    "operations",
    metadata,
    _id(),
    Column("cluster_id", String(32), nullable=False, index=True),
    _text("name"),
    Column("arguments", JSON, nullable=False),
    Column("facts", JSON, nullable=False),
    _text("state"),
    _time("created_at"),
    _time("committed_at", nullable=True),
    _time("finished_at", nullable=True),
    _text("error"),
)

history = Table(
    "history",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("cluster_id", String(32), nullable=False, index=True),
    _time("at"),
    _text("operation"),
    _text("step"),
    _text("title"),
    _text("state"),
    _text("sentence"),
    Column("seconds", Float, nullable=False, default=0.0),
)

sync_tasks = Table(
    "sync_tasks",
    metadata,
    _id(),
    _text("name"),
    _text("direction"),
    _text("status"),
    _text("stage"),
    Column("wanted", Boolean, nullable=False, default=False),
    _integer("epoch"),
    Column("lag_seconds", Float),
    _time("lag_at", nullable=True),
    _text("stalled_because"),
    _text("origin_position"),
    _text("applied_position"),
    Column("copy_seconds", Float),
    _integer("rows_copied"),
    _integer("rows_estimated"),
    Column("eta_seconds", Float),
    _integer("rows_verified"),
    _integer("differences"),
    _time("verified_at", nullable=True),
    _text("error"),
    _text("error_code"),
    _text("rogue"),
    _time("rogue_at", nullable=True),
    _text("remedy"),
    _time("created_at"),
    Column("rate", JSON, nullable=False, default=dict, server_default="{}"),
    _text("throttled_because"),
    _text("rollback_impossible_because"),
)

# Where both servers' binary logs stand at the same data.
position_pairs = Table(
    "position_pairs",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("task_id", String(32), nullable=False, index=True),
    _time("at"),
    _text("source_position"),
    _text("source_gtids"),
    _text("cluster_position"),
    _text("cluster_gtids"),
)

# Who else was seen to read the source's or the cluster's binary log.
log_readers = Table(
    "log_readers",
    metadata,
    Column("cluster_id", String(32), primary_key=True),
    Column("name", String(255), primary_key=True),
    _text("side"),  # source | cluster
    _time("seen_at"),
    _time("moved_at", nullable=True),
    _text("position"),
)

task_tables = Table(
    "task_tables",
    metadata,
    Column("task_id", String(32), primary_key=True),
    Column("database", String(64), primary_key=True),
    Column("table", String(64), primary_key=True),
    _integer("rows_estimated"),
    _integer("rows_copied"),
    _integer("bytes_estimated"),
    _integer("bytes_copied"),
    Column("rows_per_second", Float, nullable=False, default=0.0),
    Column("eta_seconds", Float),
    # Who is only verified came while the task followed.
    Column("state", String(16), nullable=False, default="copied"),
    _integer("rows_verified"),
    _integer("differences"),
    _time("verified_at", nullable=True),
    _time("last_clean_at", nullable=True),
)

verifications = Table(
    "verifications",
    metadata,
    _id(),
    Column("task_id", String(32), nullable=False, index=True),
    _text("state"),  # waiting | running | clean | different | failed
    Column("tables", JSON, nullable=False),
    Column("repair", Boolean, nullable=False, default=False),
    _text("table"),
    _integer("rows_verified"),
    _integer("rows_estimated"),
    _integer("differences"),
    _integer("repaired"),
    Column("seconds", Float, nullable=False, default=0.0),
    _text("problem"),
    _time("ordered_at"),
    _time("ended_at", nullable=True),
)

differences = Table(
    "differences",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("task_id", String(32), nullable=False, index=True),
    Column("pass_id", String(32), nullable=False),
    _text("database"),
    _text("table"),
    _text("key"),
    _text("kind"),  # missing | extra | different | json | count | table
    _text("sentence"),
    Column("columns", JSON, nullable=False),
    Column("origin_values", JSON, nullable=False),
    Column("destination_values", JSON, nullable=False),
    _time("found_at"),
)

task_logs = Table(
    "task_logs",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("task_id", String(32), nullable=False, index=True),
    _time("at"),
    _text("level"),
    _text("kind"),  # ddl: an object was changed; or nothing special
    _text("sentence"),
)

account_decisions = Table(
    "account_decisions",
    metadata,
    Column("instance_id", String(32), primary_key=True),
    Column("account", String(255), primary_key=True),
    _text("decision"),  # password | leave out
    _text("password_encrypted"),
)

evaluations = Table(
    "evaluations",
    metadata,
    _id(),
    Column("instance_id", String(32), nullable=False, index=True),
    _text("target_version"),
    _time("created_at"),
    _time("expires_at"),
    _text("result"),
    Column("findings", JSON, nullable=False),
)

schedules = Table(
    "schedules",
    metadata,
    _id(),
    Column("cluster_id", String(32), nullable=False, index=True),
    _text("operation"),
    Column("arguments", JSON, nullable=False),
    _time("starts_at"),
    _time("ends_at"),
    _text("state"),
    _integer("tries"),
    _time("tried_at", nullable=True),
    _text("refusal"),
    _time("created_at"),
)

hooks = Table(
    "hooks",
    metadata,
    _id(),
    Column("events", JSON, nullable=False),
    Column("command", JSON, nullable=False),
    _text("url"),
    _text("address_encrypted"),  # with its headers
    Column("timeout_seconds", Float, nullable=False),
    _integer("heard"),  # number of the last entry of the history it was told of
    _time("created_at"),
)

users = Table(
    "users",
    metadata,
    Column("name", String(64), primary_key=True),
    _text("role"),  # viewer | operator | admin
    _text("password_hash"),  # argon2
    _time("created_at"),
    _time("signed_in_at", nullable=True),
)

login_sessions = Table(
    "login_sessions",
    metadata,
    Column("secret_hash", String(64), primary_key=True),
    Column("user_name", String(64), nullable=False, index=True),
    _time("created_at"),
    _time("seen_at"),
    _text("address"),
)

# Of scripts; and the one-time token that makes the first admin.
api_tokens = Table(
    "api_tokens",
    metadata,
    _id(),
    _text("description"),
    _text("role"),
    Column("secret_hash", String(64), nullable=False, unique=True),
    _text("created_by"),
    _time("created_at"),
    _time("expires_at", nullable=True),
    _time("used_at", nullable=True),
)

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    _time("at"),
    _text("who"),
    _text("kind"),  # user | token | local | nobody
    _text("role"),
    _text("address"),
    _text("action"),
    _text("object"),
    Column("arguments", JSON, nullable=False),
    _text("result"),  # under way | done | refused | failed
    _text("code"),
    _text("sentence"),
)
