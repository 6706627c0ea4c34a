"""Answers on the ASGI level: the envelope, and the one place that maps errors to HTTP."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from server import errors
from server.asgi.mcp_refusals import as_rpc, asks_as_mcp

Headers = Iterable[tuple[bytes, bytes]]

STATUS: dict[type[errors.GridBearError], int] = {
    errors.BadRequest: 400,
    errors.Unauthorized: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.MethodNotAllowed: 405,
    errors.NotAcceptable: 406,
    errors.Conflict: 409,
    errors.PreconditionFailed: 412,
    errors.TooLarge: 413,
    errors.RangeNotSatisfiable: 416,
    errors.ValidationFailed: 422,
    errors.RateLimited: 429,
    errors.InternalError: 500,
    errors.UpstreamFailed: 502,
    errors.Busy: 503,
    errors.StorageFull: 507,
}
JSON_TYPE = (b"content-type", b"application/json")
RATE_LIMIT = "rate_limit"
"""Key in a request's state: the header that tells what is left of the caller's limit."""
CHALLENGE = "challenge"
"""Key in a request's state: the WWW-Authenticate header of a refusal that says more than `Bearer`."""
PRIVATE = (b"cache-control", b"private, no-cache")


def status_of(error: errors.GridBearError) -> int:
    """The HTTP status of an error."""
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return 500


def error_body(error: errors.GridBearError, request_id: str, *, rpc: bool = False) -> bytes:
    """The one error shape; with `rpc` inside of a JSON-RPC error."""
    body: dict[str, Any] = {"ok": False, "error": error.message, "code": error.code}
    if error.fields:
        body["fields"] = {name: {"code": e.code, "message": e.message} for name, e in error.fields.items()}
    if error.retry_after is not None:
        body["retry_after"] = math.ceil(error.retry_after)
    body["request_id"] = request_id
    if rpc:
        body = as_rpc(body)
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:
        # A refused field may be named by text that is no valid Unicode; JSON's own escapes can carry it.
        return json.dumps(body).encode()


def error_headers(error: errors.GridBearError, scope: Scope) -> list[tuple[bytes, bytes]]:
    """The headers that belong to an error as the answer to a request."""
    headers = [JSON_TYPE, (b"cache-control", b"no-store")]
    if error.retry_after is not None:
        headers.append((b"retry-after", str(max(1, math.ceil(error.retry_after))).encode()))
    if isinstance(error, errors.MethodNotAllowed) and error.allowed:
        headers.append((b"allow", ", ".join(error.allowed).encode()))
    if isinstance(error, errors.RangeNotSatisfiable):
        headers.append((b"content-range", f"bytes */{error.size}".encode()))
    if (challenge := scope.get("state", {}).get(CHALLENGE)) is not None:
        headers.append((b"www-authenticate", challenge))
    elif isinstance(error, errors.Unauthorized):
        headers.append((b"www-authenticate", b"Bearer"))
    if (limit := scope.get("state", {}).get(RATE_LIMIT)) is not None:
        headers.append(limit)
    return headers


def request_id_of(scope: Scope) -> str:
    """The id that the guard gave this request."""
    return str(scope.get("state", {}).get("request_id", "-"))


def shown(error: errors.GridBearError, scope: Scope) -> errors.GridBearError:
    """`error` as this request should see it: before set-up, 401 says what is missing."""
    if isinstance(error, errors.Unauthorized) and scope.get("state", {}).get("needs_setup"):
        return errors.Unauthorized(
            "GridBear is not set up yet: open the set-up link (`gridbear setup-link` prints a fresh one).",
            code="setup_required",
        )
    return error


async def send_error(error: errors.GridBearError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with an error in the one shape, or as the MCP client that asks can show it."""
    error = shown(error, scope)
    body = error_body(error, request_id_of(scope), rpc=asks_as_mcp(scope))
    await send_body(send, status_of(error), body, error_headers(error, scope))


async def send_body(send: Send, status: int, body: bytes, headers: Headers, *, with_body: bool = True) -> None:
    """Answer with a whole body; `with_body=False` (HEAD) tells its length and leaves it out.

    A 304 has neither: a length without its bytes ends the connection in uvicorn.
    """
    if status == 304:
        body = b""
    else:
        headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body if with_body else b""})
