"""Account statements in the stream: run on the destination as they stand where that is exact.

A log holds passwords as the hashes of their plugins, so an account can only be carried to a server
that has the plugin: a 9.7 has lost that of 5.7, and 5.7 never had that of 9.7. Whatever the
destination refuses, and what it would take in another meaning, is left out and said aloud: data
does not depend on it, but somebody has to repeat it there. Statements may be run again after a
crash; that changes nothing, and an account that is there already is only said to be.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from sterna.dataplane.ddl import Facts, Prepared, run, session_settings
from sterna.errors import Stopped
from sterna.mysql.binlog.events import Query
from sterna.mysql.connection import ServerError, Session, scalar
from sterna.mysql.sql_text import Statement, Token, tokens
from sterna.mysql.version import Version

_ACCOUNT_FAILED = 1396  # there already, or not there
_NO_SUCH_GRANT = frozenset({1141, 1147, 1403})
_MODE = "sql_mode"


def carry_account(
    event: Query, statement: Statement, facts: Facts, destination: Session
) -> tuple[str, str]:
    """Run it on the destination, in a session of its own; (level, sentence) of what became of it.

    The sentence names verb and accounts, never a password or its hash.
    """
    found = list(tokens(event.sql, event.sql_mode))
    what = f"{statement.verb} … {', '.join(dict.fromkeys(_accounts(found)))}".rstrip()
    try:
        if why := _why_not(statement, found, facts, destination):
            return _left_out(what, why)
        settings = session_settings(event, facts)
        if _grant_may_create(facts.destination):
            settings[_MODE] = f"{settings[_MODE][:-1]},NO_AUTO_CREATE_USER'"
        run(destination, Prepared(event.sql, settings, "", ""))
    except ServerError as error:
        if error.number != event.error_code:
            return _refused(what, statement, error)
    except Stopped as error:  # a session that cannot be had there
        return _left_out(what, error.message)
    return "NORMAL", f"The account statement {what} was run on the destination."


def _why_not(statement: Statement, found: list[Token], facts: Facts, destination: Session) -> str:
    """Why it would be dangerous or mean something else there; "" where it may be run."""
    ours = str(scalar(destination, "SELECT CURRENT_USER()")).rpartition("@")[0]
    names = {token.name or _text(token) for token in found}
    if ours in names:
        return "it names the account that Sterna uses there"
    if any(name and name.startswith(("mysql.", "mariadb.")) for name in names):
        return "it names an account of the server itself"
    words = [token.upper for token in found]
    if "CURRENT_USER" in words or ("USER", "(") in pairwise(words):
        return "it is about whoever runs it"
    if statement.verb == "SET" and "PASSWORD" in words and not _reads_hashes_alike(facts):
        return "a password is set in another way there"
    if "SUPER" in words and _super_of(facts.destination) != _super_of(facts.origin):
        return "SUPER is not the same there"
    if (
        "ALL" in words
        and "*.*" in "".join(words)
        and facts.origin.series != facts.destination.series
    ):
        return "ALL is not the same there"
    return ""


def _reads_hashes_alike(facts: Facts) -> bool:
    """SET PASSWORD takes a hash in MariaDB and before MySQL 5.7.6, and a clear text since."""
    one, other = facts.origin, facts.destination
    return one.flavor == other.flavor and (
        one.is_mariadb or one.at_least(5, 7, 6) == other.at_least(5, 7, 6)
    )


def _super_of(version: Version) -> tuple[str, bool]:
    """Whose SUPER, and whether it is only the rest of what got privileges of their own."""
    return version.flavor, version.at_least(*((10, 5) if version.is_mariadb else (8, 0)))


def _grant_may_create(version: Version) -> bool:
    """Whether GRANT makes an account, without a password, where there is none."""
    return version.is_mariadb or not version.at_least(8, 0, 11)


def _refused(what: str, statement: Statement, error: ServerError) -> tuple[str, str]:
    if error.number == _ACCOUNT_FAILED and statement.verb == "CREATE":
        return _left_out(what, "there is such an account already")
    is_done = error.number == _ACCOUNT_FAILED and statement.verb == "DROP"
    if is_done or (error.number in _NO_SUCH_GRANT and statement.verb == "REVOKE"):
        return "NORMAL", f"The account statement {what} found nothing to do on the destination."
    # The server's own text may repeat the statement, and with it a hash.
    return _left_out(what, f"the destination refuses it with error {error.number}")


def _left_out(what: str, why: str) -> tuple[str, str]:
    return "WARN", (
        f"The account statement {what} was not carried: {why}. Repeat it on the destination, in"
        " its own words, if the account shall be the same there."
    )


def _accounts(found: list[Token]) -> Iterator[str]:
    """The accounts named with their hosts."""
    for user, sign, host in zip(found, found[1:], found[2:], strict=False):
        if sign.text == "@" and (_text(user) or _text(host)):
            yield f"'{_text(user)}'@'{_text(host)}'"


def _text(token: Token) -> str:
    return token.text if token.kind == "word" else token.text.strip("'\"`")
