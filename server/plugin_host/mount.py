"""The ASGI app in front of one plugin's routes: who may enter, how much they may send, what a failure becomes."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.access.actor import ANONYMOUS, Actor
from server.asgi.body import read_body, replayed
from server.asgi.public_door import PUBLIC_DOOR
from server.asgi.refused_values import refused_values
from server.config import SettingsHolder
from server.errors import (
    BadRequest,
    Forbidden,
    GridBearError,
    InternalError,
    MethodNotAllowed,
    NotFound,
    Unauthorized,
    ValidationFailed,
)
from server.plugin_api import PluginContext
from server.plugin_host.contained import contained_error, is_cancelled
from server.plugin_host.watchdog import Watchdog

log = logging.getLogger(__name__)

Enter = Callable[[Request, Response], Actor]
"""Authenticates a request of /api/v1 and counts it."""
ActorFor = Callable[[Scope], Actor]
"""Who sends this request. Raises Unauthorized on a credential that is not good."""
SendError = Callable[[GridBearError, Scope, Receive, Send], Awaitable[None]]
"""Answer a request with an error in the one shape."""


class WhenItFails(Protocol):
    """Told of plugin, place and error when code of a plugin raised what it should not."""

    async def __call__(self, plugin_id: str, what: str, error: BaseException, *, counts: bool = True) -> None: ...


class PluginMount:
    """Serves `/api/{plugin}`. Everything its routes raise ends here as an answer of its own."""

    def __init__(
        self,
        context: PluginContext,
        router: APIRouter,
        *,
        public: bool,
        settings: SettingsHolder,
        actor_for: ActorFor,
        send_error: SendError,
        when_it_fails: WhenItFails,
        watchdog: Watchdog,
    ) -> None:
        self._watchdog = watchdog
        self._context = context
        self.public = public
        self._when_it_fails = when_it_fails
        self._settings = settings
        self._actor_for = actor_for
        self._send_error = send_error
        self._routes = _routes_app(router)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False
        actor = ANONYMOUS

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            actor = self._enter(scope)
            body = await read_body(receive, scope, self._settings.current.webhook_body_bytes)
            state = {**scope.get("state", {}), "actor": actor, "plugin": self._context}
            with self._watchdog.watching():
                await self._routes({**scope, "state": state}, replayed(body, receive), watched)
        except ClientDisconnect:
            return
        except BaseException as raised:
            if is_cancelled(raised):
                raise
            error = contained_error(raised)
            known = _as_known(error)
            if isinstance(known, InternalError):
                log.exception("plugin %s: a route failed", self._context.plugin_id)
            if not started:
                await self._send_error(known, scope, receive, send)
            if isinstance(known, InternalError):
                # Whoever is not signed in must not be able to end a plugin by calling what fails.
                await self._when_it_fails(self._context.plugin_id, "api/routes.py", error, counts=actor.is_signed_in)

    def _enter(self, scope: Scope) -> Actor:
        if scope.get("state", {}).get(PUBLIC_DOOR):
            return ANONYMOUS
        try:
            actor = self._actor_for(scope)
        except Unauthorized:
            if not self.public:
                raise
            # A sender may carry an Authorization header that is meant for the plugin and not for us.
            actor = ANONYMOUS
        if not actor.is_signed_in and not self.public:
            raise Unauthorized("sign in first, or send the internal secret")
        if actor.kind in ("user", "token") and not actor.has_scope("api"):
            safe = scope["method"] in ("GET", "HEAD", "OPTIONS") and actor.has_scope("api:read")
            if not safe:
                raise Forbidden("this token lacks the scope api")
        return actor


def _routes_app(router: APIRouter) -> ASGIApp:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.include_router(router)
    # Every failure passes through to PluginMount, which answers in the one error shape.
    for kind in (GridBearError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, _raise)
    return app


async def _raise(request: Request, error: Exception) -> Response:
    raise error


def _as_known(error: Exception) -> GridBearError:
    if isinstance(error, GridBearError):
        return error
    if isinstance(error, RequestValidationError):
        return refused_values(error)
    if isinstance(error, HTTPException) and error.status_code < 500:
        kinds: dict[int, type[GridBearError]] = {
            401: Unauthorized,
            403: Forbidden,
            404: NotFound,
            422: ValidationFailed,
        }
        if error.status_code == 405:
            allowed = (error.headers or {}).get("Allow", "")
            return MethodNotAllowed("this address does not know that verb", tuple(filter(None, allowed.split(", "))))
        return kinds.get(error.status_code, BadRequest)(str(error.detail))
    return InternalError("the plugin failed; the log has the details under the request id")
