"""The webhook that Meta calls, and what admins send."""

from __future__ import annotations

import hmac
import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

from server.plugin_api import BadRequest, Caller, Context, Forbidden, Unauthorized, require_admin, verify_sha256

from ..incoming import take
from ..sending import send

SECRETS = ("access_token", "app_secret", "verify_token")

router = APIRouter()


class NewMessage(BaseModel):
    """A text to send."""

    to: str
    text: str


@router.get("/webhook")
async def verify(
    plugin: Context,
    mode: Annotated[str, Query(alias="hub.mode")],
    token: Annotated[str, Query(alias="hub.verify_token")],
    challenge: Annotated[str, Query(alias="hub.challenge", max_length=200, pattern=r"^[\w.-]+$")],
) -> PlainTextResponse:
    """Answer Meta's question whether this address is ours."""
    wanted = plugin.secret("verify_token")
    if mode != "subscribe" or not wanted or not hmac.compare_digest(token.encode(), wanted.encode()):
        plugin.log.warning("Meta's verification was refused: %s", "wrong token" if wanted else "no verify token is set")
        raise Forbidden("the verify token is not the one in the settings")
    return PlainTextResponse(challenge)


@router.post("/webhook")
async def receive(request: Request, plugin: Context) -> dict[str, Any]:
    """Check the signature over the raw body, store what came, then answer."""
    body = await request.body()
    secret = plugin.secret("app_secret")
    if not verify_sha256(secret, body, request.headers.get("x-hub-signature-256")):
        if secret is None:
            plugin.log.warning("a delivery was refused: no app secret is set")
        raise Unauthorized("X-Hub-Signature-256 is missing or does not match the body")
    try:
        # No text of a record may have a NUL in it.
        delivery = json.loads(body.replace(rb"\u0000", rb"\ufffd"))
    except (ValueError, RecursionError):
        raise BadRequest("the body is no valid JSON") from None
    if isinstance(delivery, dict) and delivery.get("object") == "whatsapp_business_account":
        await take(plugin, delivery)
    return {"ok": True, "data": None}


@router.get("/")
async def show(caller: Caller, plugin: Context) -> dict[str, Any]:
    """Tell an admin which address to give to Meta, and what is still to be set."""
    require_admin(caller)
    missing = [name for name in SECRETS if plugin.secret(name) is None]
    if not plugin.settings["phone_number_id"]:
        missing.insert(0, "phone_number_id")
    return {"ok": True, "data": {"webhook": f"{plugin.public_url}webhook", "missing": missing}}


@router.post("/messages", status_code=201)
async def send_message(message: NewMessage, caller: Caller, plugin: Context) -> dict[str, Any]:
    """Send a text for an admin."""
    require_admin(caller)
    return {"ok": True, "data": await send(plugin, message.to, message.text)}
