"""/api/v1/plugins/install and /api/v1/plugins/{name}/uninstall: plugins come as a zip, and go."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import ClientDisconnect

from server.access.actor import Actor
from server.access.demands import demand_admin
from server.asgi.query import query_pairs
from server.config import SettingsHolder
from server.errors import ValidationFailed
from server.plugin_host.installing import Installer, wanted_name
from server.records.filters import truth
from server.records.values import BadValue
from server.rest_api.gate import RestGate
from server.rest_api.upload_body import UploadBody

_TRUTHS = ("dry_run", "replace")
_OTHERS = frozenset((*_TRUTHS, "content_hash"))
_BYTES = {"type": "string", "format": "binary"}
_INSTALL: dict[str, Any] = {
    "parameters": [
        {"name": name, "in": "query", "schema": schema, "description": description}
        for name, schema, description in (
            ("dry_run", {"type": "boolean", "default": False}, "Only tell what it is and what it asks for"),
            ("replace", {"type": "boolean", "default": False}, "Take the place of one that is there; a copy is kept"),
            ("content_hash", {"type": "string"}, "Of the files that were looked at; others are refused"),
            ("name", {"type": "string"}, "The id, where the zip has no folder around the files"),
        )
    ],
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "required": ["file"], "properties": {"file": _BYTES}},
            },
            "application/zip": {"schema": _BYTES},
        },
    },
}


class Uninstall(BaseModel):
    """What goes beside the folder."""

    model_config = ConfigDict(extra="forbid", strict=True)

    drop_data: bool = Field(False, description="Its tables with all records, and its secrets; a copy is kept.")


class FetchLibraries(BaseModel):
    """How to go about it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    dry_run: bool = Field(False, description="Only tell which ones are needed.")


def plugin_install_router(installer: Installer, gate: RestGate, settings: SettingsHolder, tmp: Path) -> APIRouter:
    """The routes; what else there is of plugins is `server.plugin_host.routes`."""
    router = APIRouter(prefix="/api/v1/plugins", tags=["plugins"])

    @router.post("/install", summary="Install a plugin from a zip (admins)", openapi_extra=_INSTALL)
    async def install(request: Request, response: Response) -> Any:
        actor = gate.enter_route(request, response)
        _admin(actor)
        asked = _asked(request)
        body = UploadBody(request, settings.current.upload_body_bytes, others=_OTHERS)
        with tempfile.TemporaryDirectory(prefix="plugin-", dir=tmp) as place:
            upload = Path(place) / "upload.zip"
            try:
                with upload.open("wb") as file:
                    async for chunk in body.chunks():
                        file.write(chunk)
            except ClientDisconnect:
                # Nobody is left to answer, and nothing was begun.
                return Response(status_code=204)
            data = await installer.install(
                actor,
                upload,
                name=wanted_name(body.name),
                dry_run=asked.get("dry_run", False),
                replace=asked.get("replace", False),
                expected=asked.get("content_hash"),
            )
        return {"ok": True, "data": data}

    @router.post("/{name}/uninstall", summary="Remove a plugin, and its data if asked (admins)")
    async def uninstall(name: str, body: Uninstall, request: Request, response: Response) -> dict[str, Any]:
        actor = gate.enter_route(request, response)
        return {"ok": True, "data": await installer.uninstall(actor, name, drop_data=body.drop_data)}

    @router.post("/{name}/restore", summary="Put back a plugin that was removed, off (admins)")
    async def restore(name: str, request: Request, response: Response) -> dict[str, Any]:
        actor = gate.enter_route(request, response)
        return {"ok": True, "data": await installer.restore(actor, name)}

    @router.post("/{name}/libraries", summary="Install the libraries that a plugin asks for (admins)")
    async def libraries(name: str, body: FetchLibraries, request: Request, response: Response) -> dict[str, Any]:
        actor = gate.enter_route(request, response)
        return {"ok": True, "data": await installer.install_libraries(actor, name, dry_run=body.dry_run)}

    return router


def _asked(request: Request) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, text in query_pairs(request.scope):
        if key in _TRUTHS:
            try:
                found[key] = truth(text)
            except BadValue as bad:
                raise ValidationFailed.of(key, bad.code, bad.message) from None
        elif key in _OTHERS:
            found[key] = text
    return found


def _admin(actor: Actor) -> None:
    # Before anything is read or written.
    demand_admin(actor, "Only admins install plugins.")
