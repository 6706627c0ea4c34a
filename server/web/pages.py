"""The UI's page, the API docs and the health check."""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import HTMLResponse, JSONResponse, Response

from server import __version__
from server.config import SettingsHolder


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
