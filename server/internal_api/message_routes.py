"""Messages of trusted programs to people outside, through the channels of plugins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from server.internal_api.trusted_routes import TRUSTED
from server.plugin_host.channels import PluginChannels
from server.records.service import Records


class NewMessage(BaseModel):
    """A text for somebody outside."""

    model_config = ConfigDict(extra="forbid", strict=True)

    platform: str = Field(min_length=1, max_length=100, description="A channel: its plugin, or a name it provides.")
    chat_id: str = Field(min_length=1, max_length=200, description="Whom to reach, as the channel writes it.")
    text: str = Field(min_length=1, max_length=20_000)
    username: str | None = Field(None, description="Who is told when it can't be sent; null: the admins.")
    agent_name: str | None = Field(None, max_length=100, description="Who speaks, kept with the message's task.")


def message_router(channels: PluginChannels, records: Records, guard: Callable[..., None]) -> APIRouter:
    """Routes under /api/internal behind `guard`."""
    router = APIRouter(prefix="/api/internal", tags=["internal"], dependencies=[Depends(guard)])

    @router.get("/channels", summary="The channels that there are, and whom each reaches")
    async def listed() -> dict[str, Any]:
        found = channels.listed()
        return {"ok": True, "data": found, "count": len(found)}

    @router.post("/send-message", status_code=202, summary="Send a text through a channel; answers its task")
    async def send(body: NewMessage) -> dict[str, Any]:
        key = await channels.send(body.platform, body.chat_id, body.text, username=body.username, agent=body.agent_name)
        await records.note("message_sent", TRUSTED, about=f"{body.platform}: {body.chat_id}")
        return {"ok": True, "data": {"task_id": key, "platform": body.platform, "chat_id": body.chat_id}}

    @router.get("/send-message/{key}", summary="What became of a message")
    async def outcome(key: str) -> dict[str, Any]:
        row = await channels.message(key)
        told = {name: row[name] for name in ("status", "attempts", "error", "result", "not_before")}
        return {"ok": True, "data": {"task_id": key, **told}}

    return router
