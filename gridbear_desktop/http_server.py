"""uvicorn as we run it: with a protocol of our own, and TLS that does not wait for slow greetings."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import uvicorn

from gridbear_desktop.http_protocol import HEAD_SECONDS, UNREAD_SECONDS, PatientProtocol
from gridbear_desktop.listener import BACKLOG

GRACEFUL_SECONDS = 1


class HttpServer(uvicorn.Server):
    """uvicorn without its signal handling: it raises the signal again afterwards, and no clean-up would run.

    With a TLS context it opens the sockets itself: uvicorn leaves a client 60 s for its greeting.
    """

    def __init__(self, app: Any, context: ssl.SSLContext | None = None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=PatientProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=GRACEFUL_SECONDS,
            )
        )
        self._context = context

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self._context is None or sockets is None:
            await super().startup(sockets)
            return
        await super().startup([])
        loop = asyncio.get_running_loop()
        for one in sockets:
            opened = await loop.create_server(
                lambda: PatientProtocol(self.config, self.server_state, self.lifespan.state),
                sock=one,
                ssl=self._context,
                backlog=BACKLOG,
                ssl_handshake_timeout=HEAD_SECONDS,
                ssl_shutdown_timeout=UNREAD_SECONDS,
            )
            self.servers.append(opened)
