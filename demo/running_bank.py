"""Start the bank as a process of its own, and stop or kill it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from demo.connection import ANSWER_SECONDS_MAX, ConnectionParameters

ROOT = Path(__file__).parents[1]
STOP_SECONDS_MAX = ANSWER_SECONDS_MAX + 30  # a teller may be waiting for a held endpoint


@dataclass(frozen=True)
class RunningBank:
    """An application at work; its ledger can be read meanwhile."""

    process: subprocess.Popen[str]
    ledger: Path

    def stop(self) -> dict[str, float]:
        """End after the current transactions; the totals (see `demo.bank`).

        Raises:
            RuntimeError: it had ended by itself, or ends badly; with what it said.
        """
        self.process.terminate()
        totals, complaints = self.process.communicate(timeout=STOP_SECONDS_MAX)
        if self.process.returncode != 0:
            raise RuntimeError(f"the bank ended with {self.process.returncode}: {complaints}")
        return dict(json.loads(totals))

    def kill(self) -> None:
        """End at once, as a power cut would."""
        self.process.kill()
        self.process.communicate()


def start_bank(
    login: ConnectionParameters, ledger: Path, *, threads: int = 4, pace: float = 0.0
) -> RunningBank:
    """A bank that writes through `login` from now on and appends to `ledger`.

    `pace` is in transfers per second and thread; 0 is as fast as it goes.
    """
    with tempfile.NamedTemporaryFile("w", prefix="bank-", delete=False) as password:
        password.write(login.password)
    command = [
        *(sys.executable, "-m", "demo.bank", "--host", login.host, "--port", str(login.port)),
        *("--user", login.user, "--password-file", password.name, "--forget-password-file"),
        *("--ledger", str(ledger.absolute()), "--threads", str(threads), "--pace", str(pace)),
    ]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    return RunningBank(process, ledger)
