"""/api/v1/backups: made, listed, fetched, sent, checked, restored. For admins alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse

from server.asgi.answer import Answer, ListAnswer
from server.asgi.body import require_same_sender
from server.asgi.json_shape import M, read_shape, taken
from server.backup.service import BackupService
from server.config import SettingsHolder
from server.rest_api import backup_shapes as shapes
from server.rest_api.gate import RestGate

_FILE = {"application/zip": {"schema": {"type": "string", "format": "binary"}}}
_CONTENT: dict[int | str, dict[str, Any]] = {
    200: {"content": _FILE, "description": "The file"},
    206: {"content": _FILE, "description": "The part that `Range` asks for"},
}
_UPLOAD: dict[str, Any] = {"requestBody": {"required": True, "content": {"application/octet-stream": {
    "schema": {"type": "string", "format": "binary"}}}}}  # fmt: skip


def backup_router(backups: BackupService, gate: RestGate, settings: SettingsHolder) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api/v1/backups", tags=["backups"])

    async def body_of(request: Request, model: type[M]) -> M:
        return await read_shape(request, model, settings.current.rest_body_bytes)

    @router.get("", summary="All backups, the newest first", responses={200: {"model": ListAnswer[shapes.Backup]}})
    async def entries(request: Request, response: Response) -> Any:
        found = await backups.entries(gate.enter_route(request, response))
        return {"ok": True, "data": found, "count": len(found)}

    @router.post(
        "",
        status_code=201,
        summary="Make a backup or a move file, and check it",
        openapi_extra=taken(shapes.MakeBackup),
        responses={201: {"model": Answer[shapes.Backup]}},
    )
    async def make(request: Request, response: Response) -> Any:
        actor = gate.enter_route(request, response)
        wanted = await body_of(request, shapes.MakeBackup)
        made = await backups.make(actor, kind=wanted.kind, without_phrase=wanted.without_phrase)
        response.headers["location"] = f"{settings.current.base_path}/api/v1/backups/{made['name']}/content"
        return {"ok": True, "data": made}

    @router.get(
        "/status",
        summary="What is running, the schedule, and how the last backup and the last restore ended",
        responses={200: {"model": Answer[shapes.Status]}},
    )
    async def status(request: Request, response: Response) -> Any:
        return {"ok": True, "data": await backups.status(gate.enter_route(request, response))}

    @router.post(
        "/upload",
        status_code=201,
        summary="Send a backup that was made elsewhere; it is checked and kept",
        openapi_extra=_UPLOAD,
        responses={201: {"model": Answer[shapes.Backup]}},
    )
    async def upload(request: Request, response: Response) -> Any:
        actor = gate.enter_route(request, response)
        length = request.headers.get("content-length", "")
        try:
            kept = await backups.upload(actor, _chunks(request), int(length) if length.isdigit() else None)
        except ClientDisconnect:
            # Nobody is left to answer, and nothing of it was kept.
            return Response(status_code=204)
        response.headers["location"] = f"{settings.current.base_path}/api/v1/backups/{kept['name']}/content"
        return {"ok": True, "data": kept}

    @router.post(
        "/restore/undo",
        status_code=202,
        summary="Bring back what a restore replaced; the server starts again with it",
        openapi_extra=taken(shapes.UndoRestore),
        responses={202: {"model": Answer[shapes.Restarting]}},
    )
    async def undo(request: Request, response: Response) -> Any:
        actor = gate.enter_route(request, response)
        wanted = await body_of(request, shapes.UndoRestore)
        return {"ok": True, "data": await backups.undo(actor, wanted.name)}

    @router.get("/{name}/content", summary="Fetch a backup", responses=_CONTENT, response_class=FileResponse)
    async def content(name: str, request: Request, response: Response) -> Response:
        path = await backups.content(gate.enter_route(request, response), name)
        headers = {"cache-control": "private, no-store", "ratelimit": response.headers["ratelimit"]}
        return FileResponse(path, media_type="application/zip", filename=name, headers=headers)

    @router.head("/{name}/content", summary="How large a backup is", responses=_CONTENT, response_class=FileResponse)
    async def content_head(name: str, request: Request, response: Response) -> Response:
        return await content(name, request, response)

    @router.delete("/{name}", summary="Delete a backup", responses={200: {"model": Answer[None]}})
    async def delete(name: str, request: Request, response: Response) -> Any:
        await backups.delete(gate.enter_route(request, response), name)
        return {"ok": True, "data": None}

    @router.post(
        "/{name}/check",
        summary="Read a backup whole and compare it with what it says of itself",
        responses={200: {"model": Answer[shapes.Backup]}},
    )
    async def check(name: str, request: Request, response: Response) -> Any:
        return {"ok": True, "data": await backups.check(gate.enter_route(request, response), name)}

    @router.post(
        "/{name}/restore",
        status_code=202,
        summary="Restore a backup; the server starts again with it. `dry_run` tells what would happen",
        openapi_extra=taken(shapes.RestoreBackup),
        responses={200: {"model": Answer[shapes.Plan]}, 202: {"model": Answer[shapes.Restarting]}},
    )
    async def restore(name: str, request: Request, response: Response) -> Any:
        actor = gate.enter_route(request, response)
        wanted = await body_of(request, shapes.RestoreBackup)
        if wanted.dry_run:
            response.status_code = 200
            return {"ok": True, "data": await backups.plan(actor, name)}
        begun = await backups.restore(actor, name, wanted.phrase, without_secrets=wanted.without_secrets)
        return {"ok": True, "data": begun}

    return router


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    async for chunk in request.stream():
        yield chunk
    require_same_sender(request.scope)
