"""Write the OpenAPI document of the HTTP API to a file: `python -m tools.write_openapi FILE`.

The console's types are made from it, so a page that asks for what the API does not have is an error
of its build.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import cast

from sterna.server.app import make_app
from sterna.workflow.service import Service

NOBODY = cast(Service, None)  # no request is answered, so no service is needed


def main() -> None:
    """Write the document; its folder is made."""
    file = Path(sys.argv[1])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(make_app(NOBODY, token="").openapi(), indent=1) + "\n")


if __name__ == "__main__":
    main()
