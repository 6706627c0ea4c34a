"""Receive webhooks that are signed over the raw body: as GitHub does, or as Standard Webhooks says."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from server.plugin_api import (
    BadRequest,
    Caller,
    Conflict,
    Context,
    Unauthorized,
    ValidationFailed,
    new_standard_secret,
    require_admin,
    verify_sha256,
    verify_standard,
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
    scheme = _check_signature(request, secret, body)
    delivery = _delivery(request, body, scheme)
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
    is_set = plugin.secret("secret") is not None
    return {"ok": True, "data": {"address": plugin.address, "url": plugin.public_url, "secret_is_set": is_set}}


@router.post("/secret", status_code=201)
async def renew_secret(caller: Caller, plugin: Context) -> dict[str, Any]:
    """Make a new secret for an admin, who sees it this once. The old one ends at once."""
    require_admin(caller)
    secret = new_standard_secret()
    await plugin.put_secret("secret", secret)
    return {"ok": True, "data": {"secret": secret, "address": plugin.address, "url": plugin.public_url}}


@router.post("/deliveries/{record_id}/replay")
async def replay(record_id: Annotated[int, Path(ge=1, lt=1 << 53)], caller: Caller, plugin: Context) -> dict[str, Any]:
    """Tell hooks and webhooks of a kept delivery once more: it is an update of its record."""
    require_admin(caller)
    known = await plugin.records.get(DELIVERIES, record_id)
    now = datetime.now(UTC).isoformat()
    row = await plugin.records.update(DELIVERIES, record_id, {"replays": known["replays"] + 1, "replayed_at": now})
    return {"ok": True, "data": row}


def _check_signature(request: Request, secret: str | None, body: bytes) -> str:
    """Which scheme signed the body. Raises Unauthorized when none did."""
    headers = request.headers
    if "webhook-signature" in headers:
        good = verify_standard(
            secret,
            body,
            message_id=headers.get("webhook-id"),
            timestamp=headers.get("webhook-timestamp"),
            signature=headers["webhook-signature"],
            now=time.time(),
        )
        if not good:
            raise Unauthorized("webhook-signature does not match the body, or is more than 5 minutes off")
        return "standard"
    if not verify_sha256(secret, body, headers.get("x-hub-signature-256")):
        raise Unauthorized("X-Hub-Signature-256 is missing or does not match the body")
    return "github"


async def _is_known(plugin: Context, delivery_id: str | None) -> bool:
    if delivery_id is None:
        return False
    return bool(await plugin.records.find(DELIVERIES, where={"delivery_id": delivery_id}, limit=1))


def _delivery(request: Request, body: bytes, scheme: str) -> dict[str, Any]:
    content_type = request.headers.get("content-type", "")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValidationFailed.of("body", "not_utf8", f"not UTF-8 at byte {error.start}") from None
    value = None
    if "json" in content_type.partition(";")[0].lower():
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            raise BadRequest("the body is no valid JSON") from None
    named = value.get("type") if scheme == "standard" and isinstance(value, dict) else None
    event = request.headers.get("x-github-event") if scheme == "github" else named
    message_id = request.headers.get("x-github-delivery" if scheme == "github" else "webhook-id")
    return {
        "event": event[:200] if isinstance(event, str) else None,
        "delivery_id": message_id or None,
        "scheme": scheme,
        "content_type": content_type or None,
        "headers": {
            name: value
            for name, value in request.headers.items()
            if not any(word in name.lower() for word in SECRET_WORDS)
        },
        "body": text,
        "size": len(body),
    }
