"""/api/v1/plugins/{name}/...: look at a plugin, switch it on and off, start it again."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server.access.actor import Actor
from server.access.demands import demand_admin
from server.plugin_host.host import PluginHost
from server.plugin_host.manifest import manifest_json_schema
from server.plugin_host.mount import Enter


class SwitchOn(BaseModel):
    """What the person saw and says yes to."""

    model_config = ConfigDict(extra="forbid", strict=True)

    permissions: list[str] = Field(default_factory=list, description="Exactly those that the manifest asks for.")


def plugin_router(host: PluginHost, enter: Enter) -> APIRouter:
    """The router; the rows themselves are the model `plugins`. `enter` authenticates and counts the request."""
    router = APIRouter(prefix="/api/v1/plugins", tags=["plugins"])

    @router.get("/{name}/manifest", summary="What a plugin says of itself, and what it would be allowed (admins)")
    async def manifest(name: str, request: Request, response: Response) -> dict[str, Any]:
        _admin(enter(request, response))
        await host.rescan()
        return {"ok": True, "data": await host.told_of(name)}

    @router.get("/manifest/schema", summary="The JSON Schema of manifest.json")
    async def schema(request: Request, response: Response) -> dict[str, Any]:
        enter(request, response)
        return {"ok": True, "data": manifest_json_schema()}

    @router.post("/{name}/enable", summary="Switch a plugin on (admins)")
    async def enable(name: str, body: SwitchOn, request: Request, response: Response) -> dict[str, Any]:
        return {"ok": True, "data": await host.enable(enter(request, response), name, body.permissions)}

    @router.post("/{name}/disable", summary="Switch a plugin off; its records stay (admins)")
    async def disable(name: str, request: Request, response: Response) -> dict[str, Any]:
        return {"ok": True, "data": await host.disable(enter(request, response), name)}

    @router.post("/{name}/reload", summary="Start a plugin again from its files as they are now (admins)")
    async def reload(name: str, request: Request, response: Response) -> dict[str, Any]:
        return {"ok": True, "data": await host.reload(enter(request, response), name)}

    return router


def _admin(actor: Actor) -> None:
    demand_admin(actor, "Only admins look at plugins.")
