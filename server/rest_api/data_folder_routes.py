"""/api/v1/server/data-folder: where the data lie, and moving them to another folder of this computer. For admins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server.access.actor import Actor, Scope
from server.access.demands import demand_admin
from server.asgi.answer import Answer
from server.config import SettingsHolder
from server.data_folder import DataFolder
from server.data_move import ask_to_move, last_problem, place_facts, plan_move
from server.errors import ValidationFailed
from server.records.service import Records
from server.rest_api.gate import RestGate


class MoveProblem(BaseModel):
    """Why the last move was not carried out; the data are where they were."""

    to: str
    problem: str


class DataFolderShown(BaseModel):
    """Where the data lie."""

    path: str
    bytes: int = Field(description="What would be moved.")
    free_bytes: int = Field(description="Free on its disk.")
    portable: bool = Field(description="Whether it is the folder beside the program, which travels with it.")
    former: list[str] = Field(description="Where the data lay before; a note there leads on.")
    last_problem: MoveProblem | None


class MoveWanted(BaseModel):
    """Where the data are to lie."""

    model_config = ConfigDict(extra="forbid", strict=True)

    to: str = Field(description="A folder of this computer that is empty or not there yet, from the root on.")
    dry_run: bool = Field(False, description="Only tell what would happen.")


class MoveShown(BaseModel):
    """One move: everything is copied and compared, then the server goes on from the new place."""

    from_: str = Field(alias="from")
    to: str
    files: int
    bytes: int
    free_bytes: int = Field(description="Free on the disk of the new folder.")
    warnings: list[str]
    moving: bool = Field(description="Whether it has begun; the server answers again when it is over.")


def data_folder_router(
    records: Records, settings: SettingsHolder, gate: RestGate, restart: Callable[[], None]
) -> APIRouter:
    """The routes. `restart` ends this life of the server; it moves before the next."""
    router = APIRouter(prefix="/api/v1/server/data-folder", tags=["server"])

    @router.get("", summary="Where the data lie (admins)")
    async def shown(request: Request, response: Response) -> Answer[DataFolderShown]:
        _admin(gate.enter_route(request, response), "api:read")
        return Answer[DataFolderShown](data=await asyncio.to_thread(_shown, DataFolder(settings.current.data_dir)))

    @router.post("/move", status_code=202, summary="Move the data to another folder of this computer (admins)")
    async def move(request: Request, response: Response, wanted: MoveWanted) -> Answer[MoveShown]:
        actor = _admin(gate.enter_route(request, response), "api")
        folder, target = DataFolder(settings.current.data_dir), _target(wanted.to)
        plan = await asyncio.to_thread(plan_move, folder.path, target)
        if not wanted.dry_run:
            await records.note("data_folder_move", actor, detail=f"to {target}")
            await asyncio.to_thread(ask_to_move, folder, target)
            restart()
        return Answer[MoveShown](data=MoveShown.model_validate({**plan.shown(), "moving": not wanted.dry_run}))

    return router


def _shown(folder: DataFolder) -> DataFolderShown:
    problem = last_problem(folder)
    return DataFolderShown.model_validate({**place_facts(folder.path), "last_problem": problem})


def _target(text: str) -> Path:
    target = Path(text).expanduser()
    if not target.is_absolute() or "\0" in text:
        raise ValidationFailed.of("to", "not_absolute", "name the whole path of a folder of this computer")
    return target


def _admin(actor: Actor, scope: Scope) -> Actor:
    return demand_admin(actor, "Only admins decide where the data lie.", scope)
