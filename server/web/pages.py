"""The UI's page, its static files, the API docs and the health check."""

from __future__ import annotations

import asyncio
import gzip
import html
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from server import __version__
from server.asgi.replies import send_error
from server.config import SettingsHolder
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


class UiFiles:
    """`/ui/*`: only files of the types above, revalidated by ETag."""

    def __init__(self, folder: Path) -> None:
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
            response = await self._files.get_response(path, scope)
        except HTTPException:
            await send_error(NotFound(f"There is no file /ui/{path}."), scope, receive, send)
            return
        if isinstance(response, FileResponse) and kind not in _DENSE:
            response = await _smaller(response, scope)
        response.headers["content-type"] = kind
        response.headers["cache-control"] = "no-cache"
        await response(scope, receive, send)


async def _smaller(response: FileResponse, scope: Scope) -> Response:
    """The same for a client that takes gzip, a quarter of the size."""
    response.headers["vary"] = "accept-encoding"
    stat = response.stat_result
    if scope["method"] != "GET" or stat is None or stat.st_size < GZIP_FROM_BYTES:
        return response
    if "gzip" not in Headers(scope=scope).get("accept-encoding", ""):
        return response
    body = await asyncio.to_thread(_gzipped, str(response.path), stat.st_mtime_ns)
    # Weak: the bytes are others, what they mean is not. A 304 compares it without the W.
    headers = {"content-encoding": "gzip", "vary": "accept-encoding", "etag": f"W/{response.headers['etag']}"}
    return Response(body, headers=headers)


@lru_cache(512)  # some 200 files; a changed one has another time
def _gzipped(path: str, _changed_ns: int) -> bytes:
    return gzip.compress(Path(path).read_bytes(), 6)


def page_router(folder: Path, settings: SettingsHolder, needs_setup: Callable[[], bool]) -> APIRouter:
    """The pages; `folder` is assets/ui."""
    router = APIRouter(tags=["pages"], default_response_class=HTMLResponse)
    templates = {name: (folder / name).read_text("utf-8") for name in ("index.html", "docs.html")}

    def page(name: str) -> HTMLResponse:
        text = templates[name]
        values = {
            "base": settings.current.base_path,
            "setup": "needed" if needs_setup() else "done",
            "version": __version__,
        }
        for key, value in values.items():
            text = text.replace(f"{{{{{key}}}}}", html.escape(value))
        return HTMLResponse(text, headers={"cache-control": "no-store"})

    @router.get("/", summary="The page")
    async def home() -> Response:
        return page("index.html")

    @router.get("/auth/login", summary="The page, to sign in")
    async def sign_in() -> Response:
        return page("index.html")

    @router.get("/auth/setup", summary="The page, to make the first admin")
    async def setup() -> Response:
        return page("index.html")

    @router.get("/auth/link", summary="The page, to join or to set a new password")
    async def link() -> Response:
        return page("index.html")

    @router.get("/oauth/consent", summary="The page, to let an app in or not")
    async def consent() -> Response:
        return page("index.html")

    @router.get("/api/docs", summary="This document as a page")
    async def docs() -> Response:
        return page("docs.html")

    @router.get("/healthz", response_class=JSONResponse, summary="Whether the server answers")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    return router
