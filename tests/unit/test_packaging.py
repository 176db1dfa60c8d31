"""What is shipped for running Sterna."""

from __future__ import annotations

import configparser
import shutil
import subprocess
from pathlib import Path

UNIT = Path(__file__).parents[2] / "packaging/sterna.service"


def test_the_unit_restarts_the_server_and_spares_its_children() -> None:
    """Who dies in a switch is back at once, as often as it takes; nodes and proxy live on."""
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(UNIT.read_text())
    service = unit["Service"]
    assert service["ExecStart"].endswith("/sterna server")
    assert (service["Restart"], service["KillMode"]) == ("always", "process")
    assert float(service["RestartSec"]) <= 1
    assert unit["Unit"]["StartLimitIntervalSec"] == "0"


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    """Every line is known to systemd, where there is one to ask."""
    systemd = shutil.which("systemd-analyze")
    if systemd is None:
        return
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/opt/sterna/.venv/bin/sterna", "/bin/true"))
    found = subprocess.run([systemd, "verify", copy], capture_output=True, text=True, check=False)
    assert "sterna.service" not in found.stderr, found.stderr
