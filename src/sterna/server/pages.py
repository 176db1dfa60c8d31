"""Serves the web console: the files that `make console` puts into the folder console beside this.

They are public; what they show is not, and comes from the API. Files under assets/ carry a hash of
their content in their name and are kept by browsers for a year. A path that is no file is a place
inside the console, which finds its way itself.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

FOLDER = Path(__file__).with_name("console")
INDEX = "index.html"
# Not what the machine's own table says: a wrong type here is a page that stays white.
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}
NOT_BUILT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sterna</title></head><body>
<h1>Sterna</h1>
<p>The server runs. Its web console has not been built: run <code>make console</code> in the
folder of the sources, and load this page again.</p>
<p>Everything else works: <code>sterna --help</code>, and the API under
<code>/api/v1</code>.</p>
</body></html>
"""


class Pages:
    """Answers what is no request to the API; everything else goes on to `app`."""

    def __init__(self, app: ASGIApp, folder: Path = FOLDER) -> None:
        self._app = app
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a file, or pass the request on."""
        if scope["type"] != "http" or not _is_page(scope):
            await self._app(scope, receive, send)
            return
        response = await run_in_threadpool(self._answer, scope)
        await response(scope, receive, send)

    def _answer(self, scope: Scope) -> Response:
        path = scope["path"].removeprefix("/") or INDEX
        file = self._find(path)
        if file is None and not PurePosixPath(path).suffix:
            path, file = INDEX, self._find(INDEX)
            if file is None:
                return HTMLResponse(NOT_BUILT)
        if file is None:
            return HTMLResponse(NOT_BUILT) if path == INDEX else _not_found()
        return _served(file, path, Headers(scope=scope))

    def _find(self, path: str) -> Path | None:
        """The file of a path inside the folder, also after following links; None otherwise."""
        parts = path.split("/")
        if "\\" in path or "\0" in path or any(p in ("", ".", "..") or p[0] == "." for p in parts):
            return None
        file = Path(os.path.realpath(self._folder.joinpath(*parts)))
        is_inside = file.is_relative_to(os.path.realpath(self._folder))
        return file if is_inside and file.suffix in TYPES and file.is_file() else None


def _is_page(scope: Scope) -> bool:
    path: str = scope["path"]
    is_api = path == "/metrics" or path == "/api" or path.startswith("/api/")
    return scope["method"] in ("GET", "HEAD") and not is_api


def _served(file: Path, path: str, asked: Headers) -> Response:
    is_hashed = path.startswith("assets/")
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable" if is_hashed else "no-cache",
        "Vary": "Accept-Encoding",
    }
    packed = file.with_name(f"{file.name}.gz")
    media_type = TYPES[file.suffix]
    if "gzip" in asked.get("accept-encoding", "") and packed.is_file():
        file, headers["Content-Encoding"] = packed, "gzip"
    status = file.stat()
    headers["ETag"] = f'"{status.st_mtime_ns:x}-{status.st_size:x}-{file.suffix[1:]}"'
    if asked.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return FileResponse(file, media_type=media_type, headers=headers)


def _not_found() -> Response:
    return Response("There is no such file.\n", 404, media_type="text/plain")
