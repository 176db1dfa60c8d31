"""The one database: opened, brought to the newest revision, secrets encrypted at rest."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import Engine, create_engine, event

from sterna.errors import SternaError

BUSY_TIMEOUT_SECONDS = 30


def now() -> datetime:
    """The present moment in UTC."""
    return datetime.now(UTC)


def open_database(url: str) -> tuple[Engine, Engine]:
    """Two engines on `url`, at the newest revision: a durable and a hasty one.

    SQLite is put in WAL mode. What the durable engine commits survives a power cut: the point of
    no return is a commit there. What the hasty one commits survives any crash of ours, and a power
    cut as soon as something durable was committed after it: for history and progress, which come
    while applications wait.
    """
    durable, hasty = _engine(url, "FULL"), _engine(url, "NORMAL")
    _to_newest_revision(durable)
    return durable, hasty


def _engine(url: str, synchronous: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_SECONDS})

    def prepare(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA synchronous={synchronous}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    event.listen(engine, "connect", prepare)
    return engine


def _to_newest_revision(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(files("sterna.store") / "revisions"))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


class Secrets:
    """Encrypts what must not be read from the database file or its backups.

    The key lies beside the database, readable by its owner only; without it the stored
    passwords are lost, so it belongs in the same backup but not in the same place.
    """

    def __init__(self, key_file: Path) -> None:
        if not key_file.exists():
            self._create(key_file)
        self._fernet = Fernet(key_file.read_bytes())

    @staticmethod
    def _create(key_file: Path) -> None:
        descriptor = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(Fernet.generate_key())
            file.flush()
            os.fsync(file.fileno())

    def encrypt(self, text: str) -> str:
        """The text as a token that only this key opens."""
        return self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, token: str) -> str:
        """The text of a token. SternaError: WrongKey; it was made with another key."""
        try:
            return self._fernet.decrypt(token.encode()).decode()
        except InvalidToken as error:
            raise SternaError(
                "A stored password cannot be read: the key is not the one it was kept with.",
                code="WrongKey",
                remedy="Put the file key of STERNA_HOME back from its backup, restart the server.",
            ) from error
