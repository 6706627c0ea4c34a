"""/api/v1/files: uploads and downloads. The guard keeps what was uploaded out of the page's origin."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Request, Response
from starlette.requests import ClientDisconnect

from server.asgi.known_parameters import FILTERS
from server.asgi.query import query_pairs
from server.asgi.request_key import REPLAYED, key_in, key_parameter
from server.config import SettingsHolder
from server.models.stored_file import FILES_TABLE
from server.records.etag import etag_of
from server.records.file_types import SHOWN
from server.records.files import Content, Files
from server.records.service import Records
from server.records.values import INTEGER_MAX
from server.rest_api.byte_range import byte_range
from server.rest_api.closed_stream import ClosedStream
from server.rest_api.conditional import if_match, is_known
from server.rest_api.gate import RestGate
from server.rest_api.records_app import page_text
from server.rest_api.upload_body import UploadBody

FileId = Annotated[int, Path(ge=0, le=INTEGER_MAX)]
READ_BYTES = 256 * 1024

_BYTES = {"schema": {"type": "string", "format": "binary"}}
_UPLOAD: dict[str, Any] = {
    "parameters": [
        {"name": "name", "in": "query", "schema": {"type": "string"}, "description": "The file's name"},
        {"name": "Content-Disposition", "in": "header", "schema": {"type": "string"},
         "description": 'Another way to tell the name: `attachment; filename="photo.jpg"`'},
        key_parameter("the same file with it, sent again within 24 hours, makes no second one"),
    ],
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": _BYTES["schema"], "name": {"type": "string"}},
                }
            },
            "*/*": _BYTES,
        },
    },
    "responses": {
        "201": {
            "description": "The file, its address in `Location`",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["ok", "data"],
                        "properties": {"ok": {"const": True}, "data": {"$ref": "#/components/schemas/files"}},
                    }
                }
            },
            "headers": {"Location": {"schema": {"type": "string"}}},
        }
    },
}  # fmt: skip
_READ: dict[str, Any] = {"parameters": [{"name": name, "in": "query"} for name in ("expand", "fields")]}
_CONTENT: dict[str, Any] = {
    "parameters": [
        {"name": name, "in": "header", "schema": {"type": "string"}} for name in ("Range", "If-Range", "If-None-Match")
    ],
    "responses": {
        "200": {"description": "The bytes", "content": {"*/*": _BYTES}},
        "206": {"description": "The part that `Range` asked for", "content": {"*/*": _BYTES}},
        "304": {"description": "Not modified"},
        "416": {"description": "The part lies beyond the end"},
    },
}


def files_router(files: Files, records: Records, gate: RestGate, settings: SettingsHolder) -> APIRouter:
    """The routes. Lists and rows are described in /api/openapi.json as those of every model are."""
    router = APIRouter(prefix=f"/api/v1/{FILES_TABLE}", tags=[FILES_TABLE])

    @router.post("", status_code=201, summary="Upload a file", openapi_extra=_UPLOAD, response_class=Response)
    async def upload(request: Request, response: Response) -> Response:
        actor = gate.enter_route(request, response, records=True)
        try:
            body = UploadBody(request, settings.current.upload_body_bytes)
            made = await files.upload(actor, body, key_in(request.scope["headers"]))
        except ClientDisconnect:
            # Nobody is left to answer, and nothing is left of it.
            return Response(status_code=204)
        response.headers["location"] = f"{settings.current.base_path}/api/v1/{FILES_TABLE}/{made.record_id}"
        response.headers["etag"] = etag_of(made.text)
        if made.replayed:
            response.headers[REPLAYED[0].decode()] = REPLAYED[1].decode()
        return _json(response, f'{{"ok":true,"data":{made.text}}}', 201)

    @router.api_route("", methods=["GET", "HEAD"], include_in_schema=False, openapi_extra={"parameters": [FILTERS]})
    async def list_files(request: Request, response: Response) -> Response:
        actor = gate.enter_route(request, response, records=True)
        text = page_text(await records.list_page(actor, FILES_TABLE, query_pairs(request.scope)))
        return _tagged(request, response, text, etag_of(text))

    @router.api_route("/{file_id}", methods=["GET", "HEAD"], include_in_schema=False, openapi_extra=_READ)
    async def read(file_id: FileId, request: Request, response: Response) -> Response:
        actor = gate.enter_route(request, response, records=True)
        row = await files.read(actor, file_id, query_pairs(request.scope))
        text = f'{{"ok":true,"data":{row.text}}}'
        return _tagged(request, response, text, etag_of(row.tagged), expanded=row.expanded)

    @router.delete("/{file_id}", include_in_schema=False)
    async def delete(file_id: FileId, request: Request, response: Response) -> dict[str, Any]:
        actor = gate.enter_route(request, response, records=True)
        await records.delete(actor, FILES_TABLE, file_id, if_match=if_match(request.scope))
        return {"ok": True, "data": None}

    @router.get("/{file_id}/content", summary="The bytes of a file, or a part of them", openapi_extra=_CONTENT,
                response_class=Response)  # fmt: skip
    @router.head("/{file_id}/content", summary="What downloading would answer", openapi_extra=_CONTENT,
                 response_class=Response)  # fmt: skip
    async def content(file_id: FileId, request: Request, response: Response, inline: bool = False) -> Response:
        found = await files.content(gate.enter_route(request, response, records=True), file_id)
        headers = {**response.headers, **_headers(found, inline=inline)}
        if is_known(request.scope, headers["etag"]):
            return Response(status_code=304, headers=headers)
        asked = request.headers.get("range", "")
        if request.headers.get("if-range", headers["etag"]) != headers["etag"]:
            asked = ""
        part = byte_range(asked, found.size)
        first, last = part or (0, found.size - 1)
        headers["content-length"] = str(last - first + 1)
        if part:
            headers["content-range"] = f"bytes {first}-{last}/{found.size}"
        status = 206 if part else 200
        if request.method == "HEAD":
            return Response(status_code=status, headers=headers)
        pieces = _pieces(found, first, last - first + 1)
        # The first piece before the answer begins, so that what fails at once is told as an error.
        return ClosedStream(await anext(pieces, b""), pieces, status_code=status, headers=headers)

    return router


def _headers(content: Content, *, inline: bool) -> dict[str, str]:
    kind = content.content_type
    shown = "inline" if inline and kind in SHOWN else "attachment"
    plain = content.name.encode("ascii", "replace").decode().replace("?", "_")
    return {
        "content-type": f"{kind}; charset=utf-8" if kind.startswith("text/") else kind,
        "content-disposition": f"{shown}; filename=\"{plain}\"; filename*=UTF-8''{quote(content.name, safe='')}",
        "accept-ranges": "bytes",
        "etag": f'"{content.sha256}"',
        "cache-control": "private, no-cache",
    }


async def _pieces(content: Content, start: int, length: int) -> AsyncGenerator[bytes, None]:
    with await asyncio.to_thread(content.path.open, "rb") as file:
        await asyncio.to_thread(file.seek, start)
        while length > 0:
            piece = await asyncio.to_thread(file.read, min(READ_BYTES, length))
            if not piece:
                raise OSError(f"{content.path} is shorter than it was")
            length -= len(piece)
            yield piece


def _json(response: Response, text: str, status: int = 200) -> Response:
    headers = {"cache-control": "private, no-cache", **response.headers}
    return Response(text, status, media_type="application/json", headers=headers)


def _tagged(request: Request, response: Response, text: str, etag: str, *, expanded: bool = False) -> Response:
    response.headers["etag"] = etag
    if not expanded and is_known(request.scope, etag):
        return Response(status_code=304, headers=dict(response.headers))
    return _json(response, text)
