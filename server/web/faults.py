"""FastAPI's own failures in the one error shape."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from server import errors
from server.access.actor import Actor
from server.asgi.refused_values import refused_values
from server.asgi.replies import error_body, error_headers, request_id_of, shown, status_of

_BY_STATUS: dict[int, type[errors.GridBearError]] = {
    400: errors.BadRequest,
    401: errors.Unauthorized,
    403: errors.Forbidden,
    404: errors.NotFound,
    413: errors.TooLarge,
    422: errors.ValidationFailed,
}

# What somebody types who leaves out the "#": a page, no address for programs.
_TYPED = re.compile(r"/(?!(?:api|auth|mcp|oauth|ui)(?:/|$)|plugins/)[a-z][a-z0-9_/-]*")


def handle_errors(app: FastAPI, actor_for: Callable[[Scope], Actor], base_path: Callable[[], str]) -> None:
    """Answer every error of `app`'s routes in the one shape. Anything unknown passes on to the guard.

    A browser that is sent to an address without a route is led to the page of that name, which says if there is none.
    """

    async def answer(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException) and error.status_code == 404 and _is_typed(request):
            return RedirectResponse(f"{base_path()}/#{_within_page(request)}", 303)
        known = as_known(error)
        if isinstance(error, RequestValidationError) or (isinstance(error, HTTPException) and error.status_code == 404):
            try:
                actor_for(request.scope)
            except errors.Unauthorized as unauthorized:
                # FastAPI reads parameters before a route asks who is there. Nobody learns which addresses
                # exist; before set-up this is where the way to it is told.
                known = unauthorized
        known = shown(known, request.scope)
        response = Response(error_body(known, request_id_of(request.scope)), status_of(known))
        for name, value in error_headers(known, request.scope):
            response.headers[name.decode()] = value.decode()
        return response

    for kind in (errors.GridBearError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, answer)


def _is_typed(request: Request) -> bool:
    """Whether a person opened this in a browser, and not a program that wants to be told."""
    wants_page = request.headers.get("accept", "").startswith("text/html")
    return wants_page and request.method in ("GET", "HEAD") and bool(_TYPED.fullmatch(request.scope["path"]))


def _within_page(request: Request) -> str:
    query = quote(request.scope["query_string"], safe="=&%+,;:@!~*'()")
    return f"{request.scope['path']}?{query}" if query else str(request.scope["path"])


def as_known(error: Exception) -> errors.GridBearError:
    """A framework's error as one of ours."""
    if isinstance(error, errors.GridBearError):
        return error
    if isinstance(error, RequestValidationError):
        return refused_values(error)
    if isinstance(error, HTTPException):
        if isinstance(error.__cause__, errors.GridBearError):
            # What was raised while the framework read the body.
            return error.__cause__
        if error.status_code == 405:
            allowed = (error.headers or {}).get("Allow", "")
            return errors.MethodNotAllowed("This verb is not possible here.", tuple(filter(None, allowed.split(", "))))
        if error.status_code == 404:
            return errors.NotFound("There is nothing at this address.")
        if isinstance(error.__cause__, UnicodeDecodeError):
            return errors.ValidationFailed("The body is no valid UTF-8.", code="invalid_utf8")
        return _BY_STATUS.get(error.status_code, errors.BadRequest)(str(error.detail))
    return errors.InternalError("Something went wrong on our side. The log has the details under the request id.")
