"""A stand-in for Meta's Graph API: real HTTP on loopback, with Graph's paths, answers and errors."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOKEN = "EAAG-the-token-of-the-tests"
NUMBER_ID = "106540352242922"


class Graph:
    """What it was asked, and what it answers next."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[tuple[str, str, Any]] = []
        self.next: list[Response] = []
        """Answered first, one after the other."""
        self.media: dict[str, tuple[bytes, str]] = {}
        self._sent = 0

    def fail(self, status: int, code: int, message: str, details: str = "", **headers: str) -> None:
        """The next answer is this error."""
        error: dict[str, Any] = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A1b2"}
        if details:
            error["error_data"] = {"messaging_product": "whatsapp", "details": details}
        self.next.append(JSONResponse({"error": error}, status, headers))

    @property
    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v23.0/{number}/messages", self._messages, methods=["POST"]),
                Route("/v23.0/{media}", self._about),
                Route("/v23.0/download/{media}", self._download),
            ]
        )

    def _refused(self, request: Request, body: Any) -> Response | None:
        self.asked.append((request.method, request.url.path, body))
        if self.next:
            return self.next.pop(0)
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            self.fail(401, 190, "Error validating access token: Session has expired")
            return self.next.pop(0)
        return None

    async def _messages(self, request: Request) -> Response:
        body = await request.json()
        if refused := self._refused(request, body):
            return refused
        self._sent += 1
        contacts = [{"input": body["to"], "wa_id": body["to"]}]
        message = {"id": f"wamid.out{self._sent}", "message_status": "accepted"}
        return JSONResponse({"messaging_product": "whatsapp", "contacts": contacts, "messages": [message]})

    async def _about(self, request: Request) -> Response:
        if refused := self._refused(request, None):
            return refused
        media_id = request.path_params["media"]
        if media_id not in self.media:
            self.fail(400, 100, f"Unsupported get request. Object with ID '{media_id}' does not exist")
            return self.next.pop(0)
        body, kind = self.media[media_id]
        return JSONResponse(
            {"url": f"{self.url}/download/{media_id}", "mime_type": kind, "file_size": len(body), "id": media_id,
             "messaging_product": "whatsapp"}
        )  # fmt: skip

    async def _download(self, request: Request) -> Response:
        if refused := self._refused(request, None):
            return refused
        body, kind = self.media[request.path_params["media"]]
        return Response(body, media_type=kind)


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[Graph]:
    """The stand-in, listening."""
    graph = Graph()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(graph.app, lifespan="off", log_config=None, ws="none"))
        task = asyncio.create_task(server.serve([listener]))
        graph.url = f"http://127.0.0.1:{listener.getsockname()[1]}/v23.0"
        try:
            while not server.started:
                await asyncio.sleep(0.01)
            yield graph
        finally:
            server.should_exit = True
            await task
