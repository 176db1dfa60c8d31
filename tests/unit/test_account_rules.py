"""Accounts and grants without a server: parsing, translating, deciding."""

from __future__ import annotations

import pytest

from sterna.clusters.accounts import Account, Decision, knows_plugin, native_hash, plan_accounts
from sterna.clusters.grants import Grant, Vocabulary, parse_grant, translate
from sterna.errors import Refused, Stopped
from sterna.mysql.version import Version

MYSQL_97 = Version("mysql", 9, 7)
MYSQL_57 = Version("mysql", 5, 7, 29)


@pytest.mark.parametrize(
    ("line", "grant"),
    [
        ("GRANT USAGE ON *.* TO 'a'@'%' IDENTIFIED BY PASSWORD '*AB'", None),
        ("SET DEFAULT ROLE `r` FOR `a`@`%`", None),
        ("GRANT USAGE ON *.* TO 'a'@'%' WITH GRANT OPTION", Grant(("USAGE",), "*.*", True)),
        (
            "GRANT SELECT, DROP ON `a ON b TO c`.* TO 'x'@'y'",
            Grant(("SELECT", "DROP"), "`a ON b TO c`.*"),
        ),
        (
            "GRANT SELECT (`a,b`, c), INSERT (d) ON `db`.`t` TO 'x'@'y' WITH GRANT OPTION",
            Grant(("SELECT (`a,b`, c)", "INSERT (d)"), "`db`.`t`", True),
        ),
        (
            "GRANT EXECUTE ON PROCEDURE `db`.`p` TO `x`@`y`",
            Grant(("EXECUTE",), "PROCEDURE `db`.`p`"),
        ),
        (
            "GRANT `r`@`%`,`s`@`%` TO `x`@`y` WITH ADMIN OPTION",
            Grant(("`r`@`%`", "`s`@`%`"), "", True),
        ),
        ("GRANT PROXY ON ''@'' TO 'x'@'y' WITH GRANT OPTION", Grant(("PROXY",), "''@''", True)),
        (
            "GRANT DROP ON *.* TO 'a'@'%' REQUIRE ISSUER '/CN='x' SUBJECT '/CN=b'"
            " WITH GRANT OPTION MAX_QUERIES_PER_HOUR 5",
            Grant(("DROP",), "*.*", True),
        ),
    ],
)
def test_show_grants_is_understood(line: str, grant: Grant | None) -> None:
    """Every shape of SHOW GRANTS is read, whatever stands in the quotes."""
    assert parse_grant(line) == grant


def test_unknown_line_stops() -> None:
    """A line of another kind is not passed over, and not shown: it may hold a hash."""
    with pytest.raises(Stopped) as stopped:
        parse_grant("REVOKE X IDENTIFIED BY PASSWORD '*SECRET'")
    assert "SECRET" not in str(stopped.value)


@pytest.mark.parametrize(
    "grant",
    [
        Grant(("SELECT (`a`)", "INSERT"), "`db`.`t`", True),
        Grant(("EXECUTE",), "FUNCTION `db`.`f`"),
        Grant(("`r`@`%`",), "", True),
    ],
)
def test_grant_survives_its_own_sql(grant: Grant) -> None:
    """What we write is what we read."""
    assert parse_grant(grant.sql("'x'@'y'")) == grant


def test_all_becomes_what_the_source_understood() -> None:
    """ALL ON *.* never grants what the source did not know; unknown rights are named."""
    old = Vocabulary("mariadb", frozenset({"SELECT", "SUPER", "DELETE HISTORY", "USAGE"}))
    new = Vocabulary(
        "mysql", frozenset({"SELECT", "SUPER", "CLONE_ADMIN", "SYSTEM_VARIABLES_ADMIN"})
    )
    grant, notes = translate(Grant(("ALL PRIVILEGES",), "*.*"), old, new)
    assert grant == Grant(("SELECT", "SYSTEM_VARIABLES_ADMIN"), "*.*")
    assert notes == ("DELETE HISTORY on *.* does not exist on the target",)


def test_native_hash() -> None:
    """The hash MySQL's own PASSWORD('password') gives."""
    assert native_hash("password") == "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19"
    assert native_hash("") == ""


def test_plugins_by_version() -> None:
    """9.0 gave up native passwords; MariaDB never knew caching_sha2_password."""
    assert knows_plugin(Version("mysql", 8, 4), "mysql_native_password")
    assert not knows_plugin(MYSQL_97, "mysql_native_password")
    assert not knows_plugin(Version("mariadb", 10, 11), "caching_sha2_password")


@pytest.mark.parametrize(
    ("account", "target", "how"),
    [
        (Account("a", "%", "mysql_native_password", native_hash("x")), MYSQL_97, "undecided"),
        (Account("a", "%", "mysql_native_password", native_hash("x")), MYSQL_57, "carried"),
        (Account("a", "%", "mysql_native_password"), MYSQL_97, "carried"),
        (Account("a", "%", "mysql_native_password", "x", locked=True), MYSQL_97, "carried"),
        (Account("a", "%", "caching_sha2_password", "x"), MYSQL_97, "carried"),
        (Account("a", "%", "ed25519", "x"), MYSQL_97, "undecided"),
        (Account("", "%", "mysql_native_password"), MYSQL_97, "left out"),
        (Account("root", "localhost", "mysql_native_password", "x"), MYSQL_97, "left out"),
        (Account("root", "::1", "mysql_native_password"), MYSQL_97, "left out"),
        (Account("root", "10.%", "mysql_native_password", "x"), MYSQL_97, "undecided"),
        (Account("PUBLIC", "", "", is_role=True), MYSQL_97, "left out"),
        (Account("r", "", "", is_role=True), MYSQL_97, "carried"),
    ],
)
def test_plan(account: Account, target: Version, how: str) -> None:
    """Each kind of account has one way."""
    (plan,) = plan_accounts([account], target, decisions={})
    assert plan.how == how
    assert plan.reason


def test_password_is_checked_against_the_hash() -> None:
    """The right password is taken, a wrong one refused, None leaves the account out."""
    account = Account("a", "%", "mysql_native_password", native_hash("right"))
    (plan,) = plan_accounts([account], MYSQL_97, decisions={"'a'@'%'": Decision("right")})
    assert plan.how == "password supplied"
    (plan,) = plan_accounts([account], MYSQL_97, decisions={"'a'@'%'": Decision()})
    assert plan.how == "left out"
    with pytest.raises(Refused, match="not the one"):
        plan_accounts([account], MYSQL_97, decisions={"'a'@'%'": Decision("wrong")})


def test_hash_is_better_than_a_password() -> None:
    """A supplied password replaces no hash that the target can take."""
    account = Account("a", "%", "caching_sha2_password", "$A$005$x")
    (plan,) = plan_accounts([account], MYSQL_97, decisions={"'a'@'%'": Decision("guess")})
    assert plan.how == "carried"


def test_definers_stay_valid() -> None:
    """An account left out is created locked when objects run as it; nobody logs in as it."""
    root = Account("root", "localhost", "mysql_native_password", "x")
    (plan,) = plan_accounts([root], MYSQL_97, decisions={}, definers={"'root'@'localhost'"})
    assert (plan.how, plan.locked) == ("carried", True)
    (plan,) = plan_accounts(
        [root],
        MYSQL_97,
        decisions={},
        existing={"'root'@'localhost'"},
        definers={"'root'@'localhost'"},
    )
    assert (plan.how, plan.locked) == ("left out", False)
