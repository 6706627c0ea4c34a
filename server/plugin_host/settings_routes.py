"""/api/v1/plugins/{name}/settings: the settings of a plugin, for admins."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from server.asgi.body import read_body
from server.asgi.json_body import parse_object
from server.config import SettingsHolder
from server.plugin_host.mount import Enter
from server.plugin_host.plugin_settings import PluginSettings

_BODY = {"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}}


def plugin_settings_router(plugins: PluginSettings, settings: SettingsHolder, enter: Enter) -> APIRouter:
    """The router. `enter` authenticates and counts the request."""
    router = APIRouter(prefix="/api/v1/plugins", tags=["plugins"])

    @router.get("/{name}/settings", summary="The settings of a plugin, with their JSON Schema (admins)")
    async def show(name: str, request: Request, response: Response) -> dict[str, Any]:
        return {"ok": True, "data": await plugins.show(enter(request, response), name)}

    @router.put(
        "/{name}/settings",
        summary="Replace the settings of a plugin and start it again (admins)",
        description="What is left out returns to its default; a secret that is left out is kept, null clears it.",
        openapi_extra=_BODY,
    )
    async def change(name: str, request: Request, response: Response) -> dict[str, Any]:
        actor = enter(request, response)
        body = await read_body(request.receive, request.scope, settings.current.rest_body_bytes)
        return {"ok": True, "data": await plugins.change(actor, name, parse_object(body))}

    return router
