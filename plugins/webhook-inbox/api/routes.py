"""Receive webhooks that carry GitHub's X-Hub-Signature-256 over the raw body."""

from __future__ import annotations

import json
import secrets
from typing import Any

from fastapi import APIRouter, Request, Response

from server.plugin_api import (
    BadRequest,
    Caller,
    Conflict,
    Context,
    Unauthorized,
    ValidationFailed,
    require_admin,
    verify_sha256,
)

DELIVERIES = "webhook_inbox_deliveries"
SECRET_WORDS = ("authorization", "cookie", "signature", "token", "secret", "api-key")

router = APIRouter()


@router.post("/", status_code=201)
async def receive(request: Request, response: Response, plugin: Context) -> dict[str, Any]:
    """Check the signature, store the delivery, then answer: 201 for a new one, 200 for a repeated one."""
    body = await request.body()
    secret = plugin.secret("secret")
    if secret is None:
        plugin.log.warning("a delivery was refused: no secret is set; POST %ssecret makes one", plugin.address)
    if not verify_sha256(secret, body, request.headers.get("x-hub-signature-256")):
        raise Unauthorized("X-Hub-Signature-256 is missing or does not match the body")
    delivery = _delivery(request, body)
    if await _is_known(plugin, delivery["delivery_id"]):
        response.status_code = 200
        return {"ok": True, "data": None}
    try:
        stored = await plugin.records.create(DELIVERIES, delivery)
    except Conflict:
        # The same delivery arrived twice at once, and the other one was first.
        response.status_code = 200
        return {"ok": True, "data": None}
    await plugin.notify(
        f"Webhook received: {delivery['event'] or 'no event name'}",
        category="webhook",
        audience="admins",
        action_url=f"#/data/{DELIVERIES}?record={stored['id']}",
    )
    return {"ok": True, "data": {"id": stored["id"]}}


@router.get("/")
async def show(caller: Caller, plugin: Context) -> dict[str, Any]:
    """Tell an admin where to send deliveries and whether a secret is set."""
    require_admin(caller)
    return {"ok": True, "data": {"address": plugin.address, "secret_is_set": plugin.secret("secret") is not None}}


@router.post("/secret", status_code=201)
async def renew_secret(caller: Caller, plugin: Context) -> dict[str, Any]:
    """Make a new secret for an admin, who sees it this once. The old one ends at once."""
    require_admin(caller)
    secret = secrets.token_urlsafe(32)
    await plugin.put_secret("secret", secret)
    return {"ok": True, "data": {"secret": secret, "address": plugin.address}}


async def _is_known(plugin: Context, delivery_id: str | None) -> bool:
    if delivery_id is None:
        return False
    return bool(await plugin.records.find(DELIVERIES, where={"delivery_id": delivery_id}, limit=1))


def _delivery(request: Request, body: bytes) -> dict[str, Any]:
    content_type = request.headers.get("content-type", "")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValidationFailed.of("body", "not_utf8", f"not UTF-8 at byte {error.start}") from None
    if "json" in content_type.partition(";")[0].lower():
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            raise BadRequest("the body is no valid JSON") from None
    return {
        "event": request.headers.get("x-github-event"),
        "delivery_id": request.headers.get("x-github-delivery") or None,
        "content_type": content_type or None,
        "headers": {
            name: value
            for name, value in request.headers.items()
            if not any(word in name.lower() for word in SECRET_WORDS)
        },
        "body": text,
        "size": len(body),
    }
