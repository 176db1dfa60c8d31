"""Engines: which server versions this machine can run."""

from __future__ import annotations

from pathlib import Path

import pytest

from sterna.clusters.engines import Engine, choose_engine, find_engines
from sterna.errors import Refused
from sterna.mysql.version import Version
from sterna.settings import read_settings


@pytest.fixture(scope="module")
def engines() -> tuple[Engine, ...]:
    """What is on this machine after `make servers`."""
    return find_engines(read_settings().servers)


@pytest.mark.parametrize("series", ["5.6", "5.7", "9.7", "10.11"])
def test_every_series_is_found_with_its_version(engines: tuple[Engine, ...], series: str) -> None:
    """Every server `make servers` brings, and the installed MariaDB, is an engine."""
    engine = choose_engine(engines, series)
    assert engine.version.series == series
    assert engine.version.is_mariadb == (series == "10.11")
    assert engine.binary.is_file()


def test_a_whole_version_and_a_flavor_may_be_asked_for(engines: tuple[Engine, ...]) -> None:
    """ "5.7.29", "mysql 5.7" and "MySQL-5.7" mean the same engine."""
    names = ("5.7.29", "mysql 5.7", "MySQL-5.7", "MySQL 5.7.29")
    assert {choose_engine(engines, name).version for name in names} == {
        Version("mysql", 5, 7, 29),
    }


@pytest.mark.parametrize("wanted", ["4.0", "5.7.1", "mariadb 5.7", "", "5"])
def test_an_unknown_engine_is_refused_with_what_there_is(
    engines: tuple[Engine, ...], wanted: str
) -> None:
    """Nothing near enough is taken instead; the answer names the engines there are."""
    with pytest.raises(Refused, match=r"MySQL 5\.6\.24.*MariaDB 10\.11") as refused:
        choose_engine(engines, wanted)
    assert refused.value.code == "EngineNotFound"


def test_no_folder_means_installed_engines_only(tmp_path: Path) -> None:
    """Before `make servers` the machine's own server is there all the same."""
    assert [engine.version.flavor for engine in find_engines(tmp_path / "nowhere")] == ["mariadb"]


def test_a_server_that_does_not_run_is_named(tmp_path: Path) -> None:
    """A damaged folder stops the search and is named, instead of an engine going missing."""
    broken = tmp_path / "mysql-8.0" / "bin" / "mysqld"
    broken.parent.mkdir(parents=True)
    broken.write_text("not a program")
    with pytest.raises(Refused, match=r"mysql-8\.0/bin/mysqld") as refused:
        find_engines(tmp_path)
    assert refused.value.code == "EngineUnusable"
