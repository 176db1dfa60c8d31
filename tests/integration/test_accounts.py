"""Accounts on real servers: who could log in still can, with the same rights and no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from sterna.clusters.account_copy import Carried, apply_accounts, compare_accounts
from sterna.clusters.account_reading import read_accounts, read_definers, read_vocabulary
from sterna.clusters.accounts import Account, AccountPlan, Decision, plan_accounts
from sterna.clusters.parameters import read_inherited
from sterna.errors import Refused
from sterna.mysql.connection import (
    Server,
    Session,
    execute,
    open_session,
    query,
    scalar,
    server_version,
)
from tests.fixtures.running import RunningServer, wipe
from tests.fixtures.servers import SourceFactory

SOURCES = ["mysql56", "mysql57", "mariadb1011"]
ADMIN = "'root'@'%'"

EVERYWHERE = [
    "CREATE DATABASE app",
    "CREATE TABLE app.t (a INT NOT NULL PRIMARY KEY, b INT)",
    "CREATE PROCEDURE app.p() SQL SECURITY INVOKER SELECT 1",
    "CREATE USER 'app'@'%' IDENTIFIED BY 'appsecret'",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON `app\\_%`.* TO 'app'@'%'",
    "GRANT ALL PRIVILEGES ON app.* TO 'app'@'%' WITH GRANT OPTION",
    "CREATE USER 'narrow'@'10.0.%' IDENTIFIED BY 'x'",
    "GRANT SELECT (a), UPDATE (b) ON app.t TO 'narrow'@'10.0.%'",
    "GRANT EXECUTE ON PROCEDURE app.p TO 'narrow'@'10.0.%'",
    "GRANT USAGE ON *.* TO 'narrow'@'10.0.%' REQUIRE SUBJECT '/CN=a TO b' WITH"
    " MAX_QUERIES_PER_HOUR 5 MAX_USER_CONNECTIONS 3",
    "CREATE USER 'dba'@'localhost' IDENTIFIED BY 'y'",
    "GRANT ALL PRIVILEGES ON *.* TO 'dba'@'localhost' WITH GRANT OPTION",
    "CREATE USER 'nopass'@'%'",
    "GRANT SELECT ON app.* TO 'nopass'@'%'",
    "CREATE USER 'replica'@'%' IDENTIFIED BY 'z'",
    "GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO 'replica'@'%'",
]
# Servers keep rights on what was dropped, and old ones have tables that new ones lack.
OUTLIVED = [
    "CREATE TABLE app.gone (a INT, b INT, c INT)",
    "GRANT SELECT ON app.gone TO 'narrow'@'10.0.%'",
    "CREATE TABLE app.less (b INT, a INT, c INT)",
    "GRANT INSERT (b, c, a) ON app.less TO 'narrow'@'10.0.%'",
    "DROP TABLE app.gone",
    "ALTER TABLE app.less DROP c",
    "GRANT SELECT ON mysql.proc TO 'narrow'@'10.0.%'",
]
ONLY_57 = [
    "CREATE USER 'locked'@'%' IDENTIFIED BY 'l' PASSWORD EXPIRE INTERVAL 90 DAY ACCOUNT LOCK",
    "CREATE USER 'sha'@'%' IDENTIFIED WITH sha256_password BY 'shasecret'",
]
ONLY_MARIADB = [
    "CREATE ROLE reader",
    "GRANT SELECT ON app.* TO reader",
    "GRANT reader TO 'app'@'%'",
    "SET DEFAULT ROLE reader FOR 'app'@'%'",
    "CREATE USER 'socket'@'localhost' IDENTIFIED VIA unix_socket",
    "GRANT BINLOG MONITOR, SLAVE MONITOR, DELETE HISTORY ON *.* TO 'replica'@'%'",
]
# What MySQL has no word for; each is named in a note.
MARIADBS_OWN = {
    "DELETE HISTORY",
    "FEDERATED ADMIN",
    "READ_ONLY ADMIN",
    "REPLICATION MASTER ADMIN",
}
NARROW = "SHOW GRANTS FOR 'narrow'@'10.0.%'"
PASSWORDS = {
    "'app'@'%'": Decision("appsecret"),
    "'narrow'@'10.0.%'": Decision("x"),
    "'dba'@'localhost'": Decision("y"),
    "'replica'@'%'": Decision("z"),
    "'socket'@'localhost'": Decision(),
}


@pytest.fixture(scope="module", params=SOURCES)
def source_server(request: pytest.FixtureRequest) -> Server:
    """A source of every kind with accounts of every kind."""
    running: RunningServer = request.getfixturevalue(request.param)
    wipe(running.server)
    with open_session(running.server) as session:
        run(session, [*EVERYWHERE, *OUTLIVED])
        if running.version.series == "5.7":
            run(session, ONLY_57)
        if running.version.is_mariadb:
            run(session, ONLY_MARIADB)
    return running.server


def run(session: Session, statements: list[str]) -> None:
    """One after the other."""
    for sql in statements:
        execute(session, sql)


@pytest.fixture
def target(mysql97: RunningServer) -> Server:
    """An empty 9.7."""
    wipe(mysql97.server)
    return mysql97.server


def planned(
    source: Session, target: Session, decisions: Mapping[str, Decision]
) -> tuple[AccountPlan, ...]:
    """The plans for a target that has nothing but our admin."""
    return plan_accounts(
        read_accounts(source), server_version(target), decisions=decisions, existing={ADMIN}
    )


def carry(source: Session, target: Session) -> tuple[tuple[AccountPlan, ...], tuple[str, ...]]:
    """Both phases, with the objects in between; the plans and the notes."""
    plans = planned(source, target, PASSWORDS)
    carried = Carried(read_accounts(source), plans, read_vocabulary(source))
    notes = apply_accounts(target, carried, phase="accounts")
    run(target, ["CREATE DATABASE IF NOT EXISTS app", "USE app"])
    run(
        target,
        [
            "CREATE TABLE IF NOT EXISTS t (a INT NOT NULL PRIMARY KEY, b INT)",
            "CREATE TABLE IF NOT EXISTS less (b INT, a INT)",
            "CREATE PROCEDURE IF NOT EXISTS p() SQL SECURITY INVOKER SELECT 1",
        ],
    )
    return plans, notes + apply_accounts(target, carried, phase="objects")


def test_undecided_until_somebody_decides(source_server: Server, target: Server) -> None:
    """A native password cannot reach 9.7 by itself; nothing else needs a decision."""
    with open_session(source_server) as source, open_session(target) as session:
        plans = {plan.account: plan for plan in planned(source, session, {})}
    undecided = {name for name, plan in plans.items() if plan.how == "undecided"}
    assert undecided - {"'socket'@'localhost'"} == PASSWORDS.keys() - {"'socket'@'localhost'"}
    assert plans["'nopass'@'%'"].how == "carried"
    assert plans["'nopass'@'%'"].warning
    assert plans[ADMIN].how == "left out"


def test_everything_is_as_before(source_server: Server, target: Server) -> None:
    """Accounts log in with their passwords; rights, limits, locks and TLS are the source's."""
    with open_session(source_server) as source, open_session(target) as session:
        plans, notes = carry(source, session)
        assert compare_accounts(source, session, plans) == ()
        version = str(server_version(source))
        lost = {note.split(": ")[1].split(" on *.*")[0] for note in notes if " on *.*" in note}
        assert lost == (MARIADBS_OWN if version.startswith("MariaDB") else set())
        nothing = [note.split(": ")[1].split(" was")[0].replace("`", "") for note in notes]
        nothing = sorted(text for text in nothing if "*" not in text)
        about = ["INSERT (c) on app.less", "SELECT on app.gone", "SELECT on mysql.proc"]
        assert nothing == about
        (line,) = (g for (g,) in query(session, NARROW) if "less" in g)
        assert line.startswith("GRANT INSERT (`a`, `b`) ON `app`.`less`")
    app = Server(target.host, target.port, "app", "appsecret")
    with open_session(app) as session:
        assert query(session, "SELECT * FROM app.t") == []


def test_carrying_twice_changes_nothing(source_server: Server, target: Server) -> None:
    """A second run, after a crash, ends in the same state."""
    with open_session(source_server) as source, open_session(target) as session:
        carry(source, session)
        before = [(a.name, a.grants) for a in read_accounts(session)]
        plans, _ = carry(source, session)
        assert [(a.name, a.grants) for a in read_accounts(session)] == before
        assert compare_accounts(source, session, plans) == ()


def test_no_privilege_more_than_before(source_server: Server, target: Server) -> None:
    """ALL of an old server is not ALL of a new one, which has rights nobody granted."""
    with open_session(source_server) as source, open_session(target) as session:
        carry(source, session)
        rights = {
            privilege
            for (line,) in query(session, "SHOW GRANTS FOR 'dba'@'localhost'")
            for privilege in line.split(" ON ")[0]
            .removeprefix("GRANT ")
            .replace(", ", ",")
            .split(",")
        }
    assert "SYSTEM_VARIABLES_ADMIN" in rights
    assert not rights & {"SUPER", "CLONE_ADMIN", "CREATE ROLE", "SYSTEM_USER", "ROLE_ADMIN"}


def test_difference_is_noticed(source_server: Server, target: Server) -> None:
    """A right too many, a right too few and a missing account are each named."""
    with open_session(source_server) as source, open_session(target) as session:
        plans, _ = carry(source, session)
        execute(session, "REVOKE UPDATE (b) ON app.t FROM 'narrow'@'10.0.%'")
        execute(session, "GRANT PROCESS ON *.* TO 'nopass'@'%'")
        execute(session, "DROP USER 'replica'@'%'")
        differences = compare_accounts(source, session, plans)
    assert differences == (
        "'narrow'@'10.0.%' lacks: UPDATE (b) on `app`.`t`.",
        "'nopass'@'%' has more than before: PROCESS on *.*.",
        "'replica'@'%' is missing on the target.",
    )


def test_wrong_password_is_refused(source_server: Server, target: Server) -> None:
    """A password that is not the source's is not stored, and not shown."""
    with (
        open_session(source_server) as source,
        open_session(target) as session,
        pytest.raises(Refused) as refused,
    ):
        planned(source, session, {"'app'@'%'": Decision("guess-me")})
    assert refused.value.code == "WrongPassword"
    assert "guess-me" not in str(refused.value)


def test_left_out_is_left_out(source_server: Server, target: Server) -> None:
    """An account the user gives up does not appear on the target."""
    with open_session(source_server) as source, open_session(target) as session:
        plans = planned(source, session, {**PASSWORDS, "'app'@'%'": Decision()})
        accounts = read_accounts(source)
        apply_accounts(session, Carried(accounts, plans, read_vocabulary(source)), phase="accounts")
        assert not scalar(session, "SELECT COUNT(*) FROM mysql.user WHERE user = 'app'")


def test_hashes_are_carried_where_they_fit(mysql57: RunningServer, target: Server) -> None:
    """sha256_password moves to 9.7 with its hash: the old password lets in."""
    wipe(mysql57.server)
    with open_session(mysql57.server) as source, open_session(target) as session:
        run(source, ONLY_57)
        plans, notes = carry(source, session)
        assert notes == ()
        assert compare_accounts(source, session, plans) == ()
        lifetime = scalar(session, "SELECT password_lifetime FROM mysql.user WHERE user='locked'")
    assert lifetime == 90
    with open_session(Server(target.host, target.port, "sha", "shasecret", "Required")) as session:
        assert scalar(session, "SELECT CURRENT_USER()") == "sha@%"


def test_definers_stay_valid(source_server: Server, target: Server) -> None:
    """A view of an account that is left out still runs, and nobody can log in as that account."""
    with open_session(source_server) as source, open_session(target) as session:
        execute(source, "CREATE DEFINER = 'dba'@'localhost' VIEW app.v AS SELECT a FROM app.t")
        definers = read_definers(source)
        assert definers >= {"'dba'@'localhost'"}
        decisions = {**PASSWORDS, "'dba'@'localhost'": Decision()}
        plans = plan_accounts(
            read_accounts(source),
            server_version(session),
            decisions=decisions,
            existing={ADMIN},
            definers=definers,
        )
        carried = Carried(read_accounts(source), plans, read_vocabulary(source))
        apply_accounts(session, carried, phase="accounts")
        run(session, ["CREATE DATABASE app", "CREATE TABLE app.t (a INT, b INT)"])
        execute(session, "CREATE DEFINER = 'dba'@'localhost' VIEW app.v AS SELECT a FROM app.t")
        assert query(session, "SELECT * FROM app.v") == []
        assert scalar(session, "SELECT account_locked FROM mysql.user WHERE user = 'dba'") == "Y"
        execute(source, "DROP VIEW app.v")


def test_roles_become_roles(mariadb1011: RunningServer, target: Server) -> None:
    """A MariaDB role is a role on the target, and on from log-in where it was."""
    wipe(mariadb1011.server)
    with open_session(mariadb1011.server) as source, open_session(target) as session:
        run(source, [*EVERYWHERE, *ONLY_MARIADB])
        _, notes = carry(source, session)
    assert any("DELETE HISTORY" in note for note in notes)
    app = Server(target.host, target.port, "app", "appsecret")
    with open_session(app) as session:
        assert scalar(session, "SELECT CURRENT_ROLE()") == "`reader`@`%`"


def test_what_mysql_cannot_keep(mariadb1011: RunningServer, target: Server) -> None:
    """A name MySQL does not take waits for another name, or to be left out; a limit of seconds is
    told. Each remedy ends it."""
    wipe(mariadb1011.server)
    long, role, brief = f"'{'u' * 40}'@'%'", f"'{'r' * 40}'", "'brief'@'%'"
    known = {brief: Decision("x"), long: Decision("x")}
    with open_session(mariadb1011.server) as source, open_session(target) as session:
        run(source, [f"CREATE ROLE {role}", f"CREATE USER {long} IDENTIFIED BY 'x'"])
        execute(source, f"CREATE USER {brief} IDENTIFIED BY 'x' WITH MAX_STATEMENT_TIME 0.5")
        plans = {plan.account: plan for plan in planned(source, session, known)}
        assert [plans[name].how for name in (long, role)] == ["undecided"] * 2
        assert plans[brief].warning and "limit of the seconds" in plans[brief].reason
        left = {plan.account: plan.how for plan in planned(source, session, {long: Decision()})}
        assert left[long] == "left out"
        run(source, [plans[name].remedy.splitlines()[0] for name in (long, role, brief)])
        after = planned(source, session, {brief: Decision("x"), long[:33] + "'@'%'": Decision("x")})
        assert {plan.how for plan in after} <= {"left out", "password supplied"}
        assert not any(plan.warning for plan in after)


def test_native_hash_between_old_servers(mysql56: RunningServer, mysql57: RunningServer) -> None:
    """5.6 to 5.7 needs no decision: the hash is carried and the password lets in."""
    for server in (mysql56.server, mysql57.server):
        wipe(server)
    with open_session(mysql56.server) as source, open_session(mysql57.server) as session:
        run(source, EVERYWHERE)
        plans = planned(source, session, {})
        assert "undecided" not in {plan.how for plan in plans}
        carried = Carried(read_accounts(source), plans, read_vocabulary(source))
        apply_accounts(session, carried, phase="accounts")
        run(session, EVERYWHERE[:3])
        apply_accounts(session, carried, phase="objects")
        assert compare_accounts(source, session, plans) == ()
    app = Server(mysql57.server.host, mysql57.server.port, "app", "appsecret")
    with open_session(app) as session:
        assert scalar(session, "SELECT 1") == 1


@pytest.mark.parametrize(
    ("series", "extra"),
    [("mysql 5.6", []), ("mysql 9.7", []), ("mariadb 10.11", ONLY_MARIADB)],
)
def test_same_version(source_factory: SourceFactory, series: str, extra: list[str]) -> None:
    """Between servers of one version every account is carried with its hash, whatever its kind."""
    started = [source_factory(series) for _ in range(2)]
    servers = [each.server for each in started]
    with open_session(servers[0]) as source, open_session(servers[1]) as session:
        spelled = "ALTER USER" if series == "mysql 9.7" else "GRANT USAGE ON *.* TO"
        run(source, [sql.replace("GRANT USAGE ON *.* TO", spelled) for sql in EVERYWHERE])
        run(source, extra)
        plans = planned(source, session, {})
        assert {plan.how for plan in plans} <= {"carried", "left out"}
        carried = Carried(read_accounts(source), plans, read_vocabulary(source))
        for _ in range(2):
            assert apply_accounts(session, carried, phase="accounts") == ()
        run(session, EVERYWHERE[:3])
        assert apply_accounts(session, carried, phase="objects") == ()
        assert compare_accounts(source, session, plans) == ()
    with open_session(replace(servers[1], user="app", password="appsecret")) as session:
        assert scalar(session, "SELECT 1") == 1
    for each in started:
        each.stop()


RULES = [
    "SET GLOBAL partial_revokes = ON",
    "CREATE DATABASE app",
    "CREATE DATABASE other",
    "CREATE USER 'ruled'@'10.0.0.0/255.255.0.0' IDENTIFIED BY 'r' REQUIRE ISSUER '/CN=it''s'"
    " WITH MAX_QUERIES_PER_HOUR 7 PASSWORD EXPIRE INTERVAL 9 DAY PASSWORD HISTORY 5"
    " PASSWORD REUSE INTERVAL 30 DAY PASSWORD REQUIRE CURRENT OPTIONAL"
    " FAILED_LOGIN_ATTEMPTS 3 PASSWORD_LOCK_TIME UNBOUNDED ACCOUNT LOCK"
    """ ATTRIBUTE '{"team": "it''s `us`"}'""",
    "CREATE USER 'it''s \"me\"'@'%' IDENTIFIED BY 'q' PASSWORD EXPIRE",
    "GRANT SELECT, INSERT ON *.* TO 'ruled'@'10.0.0.0/255.255.0.0'",
    "REVOKE INSERT ON other.* FROM 'ruled'@'10.0.0.0/255.255.0.0'",
    "CREATE USER 'two'@'%' IDENTIFIED BY 'old'",
    "ALTER USER 'two'@'%' IDENTIFIED BY 'new' RETAIN CURRENT PASSWORD",
]


RULING = {
    "partial_revokes": "ON",
    "mandatory_roles": "`nobody`@`%`",
    "activate_all_roles_on_login": "ON",
    "password_history": "2",
    "password_reuse_interval": "3",
    "password_require_current": "ON",
    "max_sp_recursion_depth": "9",
    "updatable_views_with_limit": "NO",
    "max_prepared_stmt_count": "1234",
    "ngram_token_size": "3",
}


def test_rules_of_accounts(source_factory: SourceFactory, mysql97: RunningServer) -> None:
    """Histories, locking, attributes and partial revokes are carried; a second password is told."""
    wipe(mysql97.server)
    other = source_factory("mysql 9.7", **RULING)
    with open_session(mysql97.server) as source, open_session(other.server) as target:
        assert read_inherited(target, mysql97.version).items() >= RULING.items()
        run(source, RULES)
        try:
            plans = planned(source, target, {})
            (told,) = [plan for plan in plans if plan.warning]
            assert (told.account, "older" in told.reason) == ("'two'@'%'", True)
            carried = Carried(read_accounts(source), plans, read_vocabulary(source))
            for _ in range(2):
                assert apply_accounts(target, carried, phase="accounts") == ()
            assert apply_accounts(target, carried, phase="objects") == ()
            assert compare_accounts(source, target, plans) == ()
            run(target, ["ALTER USER 'ruled'@'10.0.0.0/255.255.0.0' PASSWORD HISTORY 6"])
            (difference,) = compare_accounts(source, target, plans)
            assert "PASSWORD HISTORY 6" in difference
            run(source, told.remedy.removesuffix(";").splitlines())
            assert not any(plan.warning for plan in planned(source, target, {}))
        finally:
            wipe(mysql97.server)
            run(source, ["SET GLOBAL partial_revokes = OFF"])
    other.stop()


def test_no_secret_is_printed(source_server: Server) -> None:
    """Neither hashes nor passwords are in a repr."""
    with open_session(source_server) as source:
        accounts = read_accounts(source)
    app = next(account for account in accounts if account.user == "app")
    assert app.secret
    assert app.secret not in repr(accounts)
    assert "pw1" not in repr(Decision("pw1"))
    assert "pw1" not in repr(AccountPlan("'a'@'b'", "x", "carried", "", password="pw1"))
    assert isinstance(app, Account)
