from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ValidationError

from server.plugin_api import (
    Caller,
    Conflict,
    Context,
    Unauthorized,
    ValidationFailed,
    new_standard_secret,
    require_admin,
    verify_standard,
)

router = APIRouter()


class Delivery(BaseModel):
    number: str
    sender: str
    amount: float
    currency: str = "EUR"
    due_at: str


@router.post("/", status_code=201)
async def receive(request: Request, plugin: Context) -> dict[str, Any]:
    body = await request.body()
    right = verify_standard(
        plugin.secret("secret"),
        body,
        message_id=request.headers.get("webhook-id"),
        timestamp=request.headers.get("webhook-timestamp"),
        signature=request.headers.get("webhook-signature"),
        now=time.time(),
    )
    if not right:
        raise Unauthorized("the signature is missing or wrong")
    try:
        delivery = Delivery.model_validate_json(body)
    except ValidationError as error:
        raise ValidationFailed(f"this is no invoice: {error.errors()[0]['msg']}") from error
    try:
        row = await plugin.records.create("invoice_inbox_invoices", delivery.model_dump())
    except Conflict:
        return {"ok": True, "data": "known already"}
    return {"ok": True, "data": {"id": row["id"]}}


@router.post("/secret")
async def make_secret(caller: Caller, plugin: Context) -> dict[str, Any]:
    require_admin(caller)
    secret = new_standard_secret()
    await plugin.put_secret("secret", secret)
    return {"ok": True, "data": {"secret": secret, "address": plugin.public_url}}
