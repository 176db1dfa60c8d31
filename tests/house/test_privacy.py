"""Nothing of this machine and no secret is in the project."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from tests.house.project import ROOT, modules, texts

# Folders any machine has: a checkout there does not make their names private.
COMMON = {
    Path("/"),
    *map(Path, ("/tmp", "/var/tmp", "/home", "/opt", "/srv", "/root", "/usr/src", "/builds")),
}
SECRET_NAME = re.compile(r"password|secret|token|passphrase")
SECRET_TEXT = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY|://[^/\s:{}\"]+:[^/\s@{}\"]+@")


def _output(*command: str) -> str:
    if not shutil.which(command[0]):
        return ""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _package_sources() -> Iterator[str]:
    """The addresses this machine's package tools are set to."""
    default = "from pip._internal.models.index import PyPI; print(PyPI.url)"
    yield _output(sys.executable, "-c", default)
    yield _output(sys.executable, "-m", "pip", "config", "get", "global.index-url")
    yield _output("npm", "config", "get", "registry")
    for file in Path("/etc/apt").glob("sources.list*"):
        for part in [file] if file.is_file() else file.iterdir():
            yield part.read_text()


def _package_hosts() -> set[str]:
    words = (word for text in _package_sources() for word in text.split())
    return {host for word in words if "://" in word and (host := urlsplit(word).hostname)}


def test_no_package_host_is_named() -> None:
    """Where packages come from is a setting of each machine, never of the project."""
    hosts = _package_hosts()
    assert hosts
    named = [(path, host) for path, text in texts().items() for host in hosts if host in text]
    assert not named


def test_no_path_of_this_machine_is_named() -> None:
    """The project does not know where it is checked out."""
    places = {f"{ROOT}/"} | ({f"{ROOT.parent}/"} if ROOT.parent not in COMMON else set())
    assert not [(path, each) for path, text in texts().items() for each in places if each in text]


def test_no_secret_is_kept() -> None:
    """No private key and no address with a password in it is in any file."""
    found = [path for path, text in texts().items() if SECRET_TEXT.search(text)]
    assert not [path for path in found if path != "tests/house/test_privacy.py"]


def _fields(tree: ast.Module) -> Iterator[ast.AnnAssign]:
    """The fields of all dataclasses in a module."""
    for cls in (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)):
        if any("dataclass" in ast.unparse(each) for each in cls.decorator_list):
            yield from (node for node in cls.body if isinstance(node, ast.AnnAssign))


def _is_shown_secret(field: ast.AnnAssign) -> bool:
    secret = SECRET_NAME.search(ast.unparse(field.target)) and "str" in ast.unparse(
        field.annotation
    )
    return bool(secret) and "repr=False" not in ast.unparse(field)


def test_no_secret_is_printed() -> None:
    """A dataclass does not show its passwords and tokens when it is printed or logged."""
    shown = [
        f"{module.path}:{field.lineno}"
        for module in modules("src", "demo", "tools")
        for field in _fields(module.tree)
        if _is_shown_secret(field)
    ]
    assert not shown
