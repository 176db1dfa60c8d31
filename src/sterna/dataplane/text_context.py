"""Statements sent in the character set their authors sent them in.

A stored object keeps the character set of the session that wrote it; so it is written again in a
session with that character set, and its text must be encoded in it.
"""

from __future__ import annotations

import codecs

from sterna.errors import Stopped
from sterna.mysql.connection import Session, translated_errors

# What Python calls the server's character sets.
_CODECS = {
    "ascii": "ascii", "utf8": "utf-8", "utf8mb3": "utf-8", "utf8mb4": "utf-8",
    "latin1": "cp1252", "latin2": "iso8859_2", "latin5": "iso8859_9", "latin7": "iso8859_13",
    "greek": "iso8859_7", "hebrew": "iso8859_8", "cp1250": "cp1250", "cp1251": "cp1251",
    "cp1256": "cp1256", "cp1257": "cp1257", "cp850": "cp850", "cp852": "cp852", "cp866": "cp866",
    "koi8r": "koi8_r", "koi8u": "koi8_u", "gbk": "gbk", "gb2312": "gb2312", "gb18030": "gb18030",
    "big5": "big5", "sjis": "shift_jis", "cp932": "cp932", "ujis": "euc_jp", "euckr": "cp949",
}  # fmt: skip


# Bytes that Windows leaves undefined and servers keep as they are.
_ITSELF = "\x81\x8d\x8f\x90\x9d"


def _itself(error: UnicodeError) -> tuple[bytes, int]:
    if isinstance(error, UnicodeEncodeError):
        found = error.object[error.start]
        if found in _ITSELF:
            return found.encode("latin-1"), error.start + 1
    raise error


codecs.register_error("sterna.itself", _itself)


def encode_text(text: str, charset: str) -> bytes:
    """The statement in a server's character set. Stopped where that cannot express it."""
    if text.isascii() and charset != "swe7":  # the one that has letters in the place of brackets
        return text.encode("ascii")
    try:
        return text.encode(_CODECS[charset], "sterna.itself" if charset == "latin1" else "strict")
    except (KeyError, UnicodeEncodeError) as error:
        raise Stopped(
            f"This cannot be sent in the character set {charset} it was written in: {text}",
            code="UnknownDefinition",
            remedy="Create it again on the origin in a session with SET NAMES utf8mb4.",
        ) from error


def execute_bytes(session: Session, sql: bytes) -> None:
    """Run a statement whose text is in the session's own character set."""
    with translated_errors():
        session.query(sql)
