"""The UI's page, the API docs and the health check."""

from __future__ import annotations

import gzip
import html
from collections.abc import Callable
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from server import __version__
from server.config import SettingsHolder
from server.web.first_modules import imported


def page_router(folder: Path, settings: SettingsHolder, needs_setup: Callable[[], bool]) -> APIRouter:
    """The pages; `folder` is assets/ui."""
    router = APIRouter(tags=["pages"], default_response_class=HTMLResponse)
    start = (folder / "index.html").read_text("utf-8")
    templates = {
        "start": _naming(start, imported(folder, "main.js")),
        "sign-in": _naming(start, imported(folder, "main.js", "pages/signin.js")),
        "docs": (folder / "docs.html").read_text("utf-8"),
    }

    def page(request: Request, name: str) -> Response:
        text = templates[name]
        values = {
            "base": settings.current.base_path,
            "setup": "needed" if needs_setup() else "done",
            "version": __version__,
        }
        for key, value in values.items():
            text = text.replace(f"{{{{{key}}}}}", html.escape(value))
        headers = {"cache-control": "no-store", "vary": "accept-encoding"}
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return HTMLResponse(text, headers=headers)
        return HTMLResponse(gzip.compress(text.encode(), 6, mtime=0), headers=headers | {"content-encoding": "gzip"})

    @router.get("/", summary="The page")
    async def home(request: Request) -> Response:
        return page(request, "start")

    @router.get("/auth/login", summary="The page, to sign in")
    async def sign_in(request: Request) -> Response:
        return page(request, "sign-in")

    @router.get("/auth/setup", summary="The page, to make the first admin")
    async def setup(request: Request) -> Response:
        return page(request, "start")

    @router.get("/auth/link", summary="The page, to join or to set a new password")
    async def link(request: Request) -> Response:
        return page(request, "start")

    @router.get("/oauth/consent", summary="The page, to let an app in or not")
    async def consent(request: Request) -> Response:
        return page(request, "start")

    @router.get("/api/docs", summary="This document as a page")
    async def docs(request: Request) -> Response:
        return page(request, "docs")

    @router.get("/healthz", response_class=JSONResponse, summary="Whether the server answers")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    return router


def _naming(text: str, scripts: list[str]) -> str:
    """The page with links to its scripts, so that they are all fetched at once."""
    links = [f'<link rel="modulepreload" href="{{{{base}}}}/ui/{name}">' for name in scripts]
    return text.replace("{{modules}}", "\n".join(links))
