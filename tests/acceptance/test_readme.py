"""The README's five-minute tour, typed as it stands."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.product import STERNA, Product
from tests.fixtures.running import ServerFarm, eventually

README = Path(__file__).parents[2] / "README.md"
FENCED = re.compile(r"^```\n(.*?)^```", re.MULTILINE | re.DOTALL)


def tour() -> list[str]:
    """The commands of the tour, continued lines joined, without those that start servers."""
    text = README.read_text().partition("## Five-minute tour")[2].partition("## How it works")[0]
    lines = "".join(FENCED.findall(text)).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.startswith(("sterna ", "mysql "))]


@pytest.fixture
def product() -> Iterator[Product]:
    """A fresh product."""
    farm = ServerFarm("sterna-tour")
    product = Product(farm.folder / "home")
    product.start()
    yield product
    product.destroy()
    farm.close()


def test_the_tour_works_as_written(product: Product) -> None:
    """A newcomer who types the README's commands gets from registering to cancelling."""
    farm = ServerFarm("sterna-tour-source")
    try:
        source = farm.start("5.7")
        password = farm.folder / "password"
        password.write_text(source.server.password)
        for line in tour():
            run(product, line, source_port=source.server.port, password=password)
        (migration,) = product.ask("migration", "list")
        assert migration["status"] == "NO_MIGRATION"
    finally:
        farm.close()


def run(product: Product, line: str, *, source_port: int, password: Path) -> None:
    """One line of the README, with the ids the commands before it printed."""
    ids = {"rm-…": "instance", "pc-…": "cluster"}
    for placeholder, noun in ids.items():
        if placeholder in line:
            line = line.replace(placeholder, product.ask(noun, "list")[0]["id"])
    line = line.replace("--port 33057", f"--port {source_port}")
    line = re.sub(r"/var/tmp/sterna-experiment-…/password", str(password), line)
    command, *words = shlex.split(line)
    if words[:2] == ["migration", "watch"]:
        cluster_id = words[2]
        eventually(lambda: verified(product, cluster_id), within_seconds=60)
        return
    words = [word for word in words if word != "-p"]  # asks at the terminal; the variable answers
    done = answer_yes(
        [STERNA if command == "sterna" else command, *words],
        environment={**product.environment, "MYSQL_PWD": password.read_text()},
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


def answer_yes(
    command: list[str], *, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a command at a terminal where somebody says yes to whatever it asks."""
    ours, theirs = os.openpty()
    os.write(ours, b"y\n")
    try:
        return subprocess.run(
            command, env=environment, stdin=theirs, capture_output=True, text=True, check=False
        )
    finally:
        os.close(ours)
        os.close(theirs)


def verified(product: Product, cluster_id: str) -> bool:
    """What the newcomer sees while watching."""
    task = product.ask("migration", "show", cluster_id)["task"]
    return task["verified_at"] is not None and task["lag_seconds"] is not None
