"""The static files of the UI: of known types only, small for who takes gzip, revalidated by ETag."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import re
from functools import lru_cache
from pathlib import Path

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Receive, Scope, Send

from server.asgi.replies import send_error
from server.errors import MethodNotAllowed, NotFound

# Windows' registry can map .js to text/plain, and a browser then refuses the module: the types are ours.
CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
    ".map": "application/json",
}
_DENSE = frozenset(("image/png", "font/woff2"))
GZIP_FROM_BYTES = 512
_IMPORT = re.compile(r'^@import "([a-z_]+\.css)";\n', re.MULTILINE)
# Comments that have their lines to themselves. tests/packaging/test_ui_sources.py keeps them out of templates.
_REMARK = re.compile(rb"^[ \t]*(?://.*|/\*\*(?:(?!\*/)[\s\S])*\*/[ \t]*)$", re.MULTILINE)
_COMMENT = re.compile(r"/\*.*?\*/\n?", re.DOTALL)


class UiFiles:
    """`/ui/*`. `joined`: sheets that are sent with what they import in its place: one request for 20."""

    def __init__(self, folder: Path, joined: tuple[str, ...] = ()) -> None:
        self._folder = folder
        self._joined_sheets = joined
        self._files = StaticFiles(directory=folder, follow_symlink=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix("/ui/")
        kind = CONTENT_TYPES.get(Path(path).suffix)
        if scope["method"] not in ("GET", "HEAD"):
            error = MethodNotAllowed("Files can only be read.", ("GET", "HEAD"))
            await send_error(error, scope, receive, send)
            return
        if kind is None or kind.startswith("text/html"):
            await send_error(NotFound(f"There is no file /ui/{path}."), scope, receive, send)
            return
        try:
            response = await self._response(path, scope, kind)
        except HTTPException:
            await send_error(NotFound(f"There is no file /ui/{path}."), scope, receive, send)
            return
        response.headers["content-type"] = kind
        response.headers["cache-control"] = "no-cache"
        await response(scope, receive, send)

    async def _response(self, path: str, scope: Scope, kind: str) -> Response:
        if path in self._joined_sheets:
            return self._joined_sheet(scope, *await asyncio.to_thread(_stylesheet, self._folder / path))
        response = await self._files.get_response(path, scope)
        if isinstance(response, FileResponse) and kind not in _DENSE:
            return await _smaller(
                response, scope, bool(self._joined_sheets) and path.endswith(".js") and not path.startswith("vendor/")
            )
        return response

    def _joined_sheet(self, scope: Scope, body: bytes, small: bytes, tag: str) -> Response:
        asked = Headers(scope=scope)
        headers = {"etag": f'"{tag}"', "vary": "accept-encoding"}
        if "gzip" in asked.get("accept-encoding", ""):
            headers |= {"etag": f'"{tag}-gzip"', "content-encoding": "gzip"}
            body = small
        response = Response(body, headers=headers)
        return (
            NotModifiedResponse(response.headers) if self._files.is_not_modified(response.headers, asked) else response
        )


async def _smaller(response: FileResponse, scope: Scope, lean: bool) -> Response:
    """The same for a client that takes gzip, a quarter of the size. `lean`: a script of ours, sent without remarks."""
    response.headers["vary"] = "accept-encoding"
    stat = response.stat_result
    if scope["method"] != "GET" or stat is None or stat.st_size < GZIP_FROM_BYTES:
        return response
    if "gzip" not in Headers(scope=scope).get("accept-encoding", ""):
        return response
    body = await asyncio.to_thread(_gzipped, str(response.path), stat.st_mtime_ns, lean)
    # Weak: the bytes are others, what they mean is not. A 304 compares it without the W.
    headers = {"content-encoding": "gzip", "vary": "accept-encoding", "etag": f"W/{response.headers['etag']}"}
    return Response(body, headers=headers)


@lru_cache(512)  # some 250 files; a changed one has another time
def _gzipped(path: str, _changed_ns: int, lean: bool) -> bytes:
    content = Path(path).read_bytes()
    return gzip.compress(_REMARK.sub(_only_lines, content) if lean else content, 9, mtime=0)


def _only_lines(remark: re.Match[bytes]) -> bytes:
    """Every line keeps its number."""
    return b"\n" * remark[0].count(b"\n")


def _stylesheet(path: Path) -> tuple[bytes, bytes, str]:
    sheets = tuple(path.with_name(name) for name in _IMPORT.findall(path.read_text("utf-8")))
    return _join(sheets, tuple(sheet.stat().st_mtime_ns for sheet in sheets))


@lru_cache(8)
def _join(sheets: tuple[Path, ...], _changed_ns: tuple[int, ...]) -> tuple[bytes, bytes, str]:
    """The text without comments, the same as gzip, and what tells one text from another."""
    body = _COMMENT.sub("", "".join(sheet.read_text("utf-8") for sheet in sheets)).encode()
    return body, gzip.compress(body, 9, mtime=0), hashlib.sha256(body).hexdigest()[:32]
