"""End a demo that was kept running: `python -m demo.end FOLDER`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.fixtures.product import Product, end_servers


def main() -> None:
    """Stop whatever runs out of the folder, and remove it."""
    folder = Path(sys.argv[1])
    Product(folder / "home").destroy()
    end_servers(folder)
    shutil.rmtree(folder)
    print(f"{folder} is gone.")


if __name__ == "__main__":
    main()
