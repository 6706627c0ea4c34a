"""What the routes of /auth have in common: forms in, cookies out, who is calling from where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from fastapi import Path, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from server.asgi.body import read_body, replayed
from server.auth.authenticate import COOKIE
from server.auth.sign_in import SignedIn
from server.config import SettingsHolder
from server.errors import BadRequest
from server.records.values import INTEGER_MAX

FORM_BYTES = 64 * 1024
UserId = Annotated[int, Path(ge=0, le=INTEGER_MAX)]


async def read_form(request: Request) -> Mapping[str, Any]:
    """The fields of a small form or JSON object. Raises TooLarge, BadRequest."""
    sent = await read_body(request.receive, request.scope, FORM_BYTES)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        try:
            body = orjson.loads(sent)
        except orjson.JSONDecodeError:
            raise BadRequest("The body is no valid JSON.", code="invalid_json") from None
        if not isinstance(body, dict):
            raise BadRequest("A JSON object is wanted.", code="invalid_json")
        return body
    if kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        async with Request(request.scope, replayed(sent, request.receive)).form(max_files=0, max_fields=20) as form:
            return dict(form)
    raise BadRequest("Send a form (application/x-www-form-urlencoded) or JSON.", code="unsupported_type")


def prefers_json(request: Request) -> bool:
    """Whether the caller would rather read JSON than follow to a page."""
    accept = request.headers.get("accept", "")
    return "application/json" in accept and not accept.startswith("text/html")


def text_of(form: Mapping[str, Any], name: str) -> str:
    """A field that may be left out, as text."""
    value = form.get(name)
    return value if isinstance(value, str) else ""


def signed_in_answer(request: Request, signed_in: SignedIn, settings: SettingsHolder, status: int) -> Response:
    """The session's cookie, with JSON or the way to the page, as the caller prefers."""
    base = settings.current.base_path
    response: Response
    if prefers_json(request):
        response = JSONResponse({"ok": True, "data": signed_in.user}, status)
    else:
        response = RedirectResponse(f"{base}/", 303)
    set_cookie(response, request, signed_in.token, base, settings.current.session_max_days)
    return response


def set_cookie(response: Response, request: Request, token: str, base: str, max_days: float) -> None:
    """The session cookie. `Secure` follows the transport, so that plain http on a LAN keeps working."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(max_days * 86400),
        path=base or "/",
        httponly=True,
        samesite="lax",
        secure=request.scope.get("scheme") == "https",
    )
    response.headers["cache-control"] = "no-store"


def device_of(request: Request) -> str:
    """What the caller says it is."""
    return request.headers.get("user-agent", "unknown")


def address_of(request: Request) -> str:
    """Where the caller is."""
    return request.client.host if request.client else "unknown"


def form_body(*names: str, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """What OpenAPI says of a form: its fields, all of them text."""
    properties = {name: {"type": "string"} for name in (*names, *optional)}
    schema = {"type": "object", "required": list(names), "properties": properties}
    content = {kind: {"schema": schema} for kind in ("application/x-www-form-urlencoded", "application/json")}
    return {"requestBody": {"required": True, "content": content}}
