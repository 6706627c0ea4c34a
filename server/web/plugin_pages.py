"""The files of plugins' pages at `/plugins/{plugin}/ui/*`, for whoever is signed in, and the list of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.types import Receive, Scope, Send

from server.asgi.replies import send_error
from server.config import SettingsHolder
from server.errors import GridBearError, NotFound
from server.plugin_host.host import PluginHost
from server.plugin_host.mount import ActorFor, Enter
from server.plugin_host.pages_contribution import PluginPages
from server.web.ui_files import UiFiles

PREFIX = "/plugins/"


class PluginFiles:
    """Serves files of running plugins alone, of the types that the page's own files may have."""

    def __init__(self, pages: PluginPages, actor_for: ActorFor) -> None:
        self._pages = pages
        self._actor_for = actor_for
        self._known: dict[Path, UiFiles] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._actor_for(scope)
            plugin, _, rest = scope["path"].removeprefix(PREFIX).partition("/")
            folder = self._pages.folder_of(plugin)
            if folder is None or not rest.startswith("ui/"):
                raise NotFound(f"There is no file {scope['path']}.")
        except GridBearError as error:
            await send_error(error, scope, receive, send)
            return
        if folder not in self._known:
            self._known[folder] = UiFiles(folder)
        inside = {**scope, "path": f"/{rest}", "raw_path": f"/{rest}".encode()}
        await self._known[folder](inside, receive, send)


def contributions_router(pages: PluginPages, host: PluginHost, settings: SettingsHolder, enter: Enter) -> APIRouter:
    """The lists. `enter` authenticates and counts the request."""
    router = APIRouter(prefix="/api/v1/ui", tags=["plugins"])

    @router.get("/contributions", summary="What running plugins add to the page: modules to import")
    async def contributions(request: Request, response: Response) -> dict[str, Any]:
        enter(request, response)
        found = pages.modules(settings.current.base_path)
        return {"ok": True, "data": found, "count": len(found)}

    @router.get("/notification-kinds", summary="Kinds of notifications that you may silence")
    async def notification_kinds(request: Request, response: Response) -> dict[str, Any]:
        enter(request, response)
        found = [
            {"kind": f"{live.id}.{name}", "plugin": live.manifest.title, **kind.model_dump()}
            for live in sorted(host.live, key=lambda live: live.id)
            for name, kind in live.manifest.notification_kinds.items()
        ]
        return {"ok": True, "data": found, "count": len(found)}

    return router
