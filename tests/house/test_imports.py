"""Imports go one way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.house.project import ROOT


def test_the_layers_hold() -> None:
    """No module imports a layer above it or a sibling beside it; every package has its layer."""
    checker = Path(sys.executable).with_name("lint-imports")
    answer = subprocess.run([checker], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
