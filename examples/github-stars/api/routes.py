from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Request

from server.plugin_api import BadRequest, Caller, Conflict, Context, Unauthorized, require_admin, verify_sha256

router = APIRouter()


@router.post("/hook")
async def hook(request: Request, plugin: Context) -> dict[str, Any]:
    body = await request.body()
    if not verify_sha256(plugin.secret("secret"), body, request.headers.get("X-Hub-Signature-256")):
        raise Unauthorized("the signature is missing or wrong")
    if request.headers.get("X-GitHub-Event") != "star":
        return {"ok": True, "data": "not about stars"}
    try:
        told = json.loads(body)
        action, repository, who = told["action"], told["repository"]["full_name"], told["sender"]["login"]
        delivery = request.headers["X-GitHub-Delivery"]
    except (ValueError, KeyError, TypeError):
        raise BadRequest("this is no star event of GitHub") from None
    if action != "created":
        return {"ok": True, "data": "a star was taken back"}
    try:
        await plugin.records.create("github_stars_stars", {"delivery": delivery, "repository": repository, "who": who})
    except Conflict:
        return {"ok": True, "data": "known already"}
    await plugin.notify(f"{who} starred {repository}", audience="admins", severity="success")
    return {"ok": True, "data": "thanks"}


@router.get("/address")
async def address(caller: Caller, plugin: Context) -> dict[str, Any]:
    require_admin(caller)
    return {"ok": True, "data": {"url": f"{plugin.public_url}hook"}}
