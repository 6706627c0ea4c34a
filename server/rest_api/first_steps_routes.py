"""/api/v1/server/first-steps: what somebody new does first, and what of it is done."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from server.access.actor import Actor
from server.asgi.answer import Answer
from server.backup.service import BackupService
from server.models.base import Verb
from server.records.service import Records
from server.rest_api.gate import RestGate

StepName = Literal["note", "model", "server", "token", "webhook", "person", "backup"]


@dataclass(frozen=True)
class _Step:
    """Done once its model holds more than `more` rows that the caller may see."""

    name: StepName
    model: str
    verb: Verb = "create"
    """What the caller must be allowed besides listing."""
    more: int = 0
    admin: bool = False


_STEPS = (
    _Step("note", "notes"),
    _Step("model", "own_models", "list", admin=True),
    _Step("server", "mcp_servers", admin=True),
    _Step("token", "api_tokens"),
    _Step("webhook", "webhook_inbox_deliveries", "list"),
    _Step("person", "users", more=1),
)


class FirstStep(BaseModel):
    name: StepName
    done: bool


def first_steps_router(records: Records, backups: BackupService, gate: RestGate) -> APIRouter:
    """The route."""
    router = APIRouter(prefix="/api/v1/server", tags=["server"])

    def is_for(actor: Actor, step: _Step) -> bool:
        # Some models are those of plugins, which may be off.
        if step.model not in records.registry:
            return False
        spec = records.registry.get(step.model)
        may = (records.policy.permission(actor, spec, verb).extent != "none" for verb in ("list", step.verb))
        return all(may) and (actor.is_admin or not step.admin)

    async def look(actor: Actor, step: _Step) -> FirstStep:
        asked = (("fields", "id"), ("total", "false"), ("limit", str(step.more + 1)))
        page = await records.list_page(actor, step.model, asked)
        return FirstStep(name=step.name, done=len(orjson.loads(page.rows)) > step.more)

    @router.get("/first-steps", summary="What to do first, and what of it is done")
    async def first_steps(request: Request, response: Response) -> Answer[list[FirstStep]]:
        """Those that the caller may take, in the order in which they help most."""
        actor = gate.enter_route(request, response)
        steps = await asyncio.gather(*(look(actor, step) for step in _STEPS if is_for(actor, step)))
        if actor.is_admin:
            steps.append(FirstStep(name="backup", done=bool(await backups.entries(actor))))
        return Answer[list[FirstStep]](data=steps)

    return router
