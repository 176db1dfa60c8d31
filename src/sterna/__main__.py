"""The `sterna` command. Only `sterna server` pays for importing the server's parts."""

from __future__ import annotations

import sys

from sterna.cli.app import main as run_cli


def main() -> None:
    """Run one command and exit with its code."""
    sys.exit(run_cli(_run_server))


def _run_server() -> None:
    from sterna.wiring import run_server

    run_server()


if __name__ == "__main__":
    main()
