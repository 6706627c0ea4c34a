"""What /api/v1/backups takes and answers, for the OpenAPI document and the checks of bodies."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class MakeBackup(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    kind: Literal["backup", "move"] = Field("backup", description="`move` holds the records as JSON lines too")
    without_phrase: bool = Field(False, description="Make it although nobody has kept a recovery phrase")


class RestoreBackup(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    phrase: str | None = Field(None, max_length=1000, description="The recovery phrase, where it is needed")
    dry_run: bool = Field(False, description="Only tell what would happen")
    without_secrets: bool = Field(
        False, description="Empty the secrets that nothing opens here; all the rest is restored"
    )


class UndoRestore(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str | None = Field(None, max_length=100, description="A state of the status's `undo`; the latest unless told")


class Left(BaseModel):
    """Something that is not in the backup, and why."""

    what: str
    why: str


class Backup(BaseModel):
    """One backup. All but name, size and problem is null or empty where the file can't be read."""

    name: str
    size: int
    made_at: str | None
    made_by: str | None
    reason: str | None
    kind: Literal["backup", "move"] | None
    format_version: int | None
    program_version: str | None
    schema_version: int | None
    counts: dict[str, int] = Field(description="Rows per model")
    secrets: Literal["included", "not included", "none"] | None
    not_included: list[Left]
    problem: str | None = Field(description="Why it can't be used")


class ModelRows(BaseModel):
    model: str
    backup: int | None = Field(description="Rows in the backup; null: no such model")
    now: int | None = Field(description="Rows now; null: no such model")


class LostSecrets(BaseModel):
    """Sealed values of one field: in how many rows."""

    model: str
    field: str
    rows: int


class Plan(BaseModel):
    """What a restore would bring."""

    backup: Backup
    models: list[ModelRows]
    not_included: list[Left]
    phrase_needed: bool
    unreadable_secrets: list[LostSecrets] = Field(
        description="What this computer has no key for: the phrase opens it where `phrase_needed`, else "
        "`without_secrets` restores all but these"
    )


class Restarting(BaseModel):
    """The server starts again with other data; GET /healthz tells when it is back, the status how it ended."""

    name: str
    restarting: bool


class Running(BaseModel):
    what: Literal["backup", "check", "restore", "upload"]
    started_at: str
    progress: float = Field(description="From 0 to 1")


class Ended(BaseModel):
    at: str
    reason: str
    name: str | None
    error: str | None


class Copies(BaseModel):
    folder: str
    copied: list[str] = Field(description="Names that the last backup brought there")
    problem: str | None


class LastRestore(BaseModel):
    """`failed`: everything is as it was before; `problem` says why."""

    outcome: Literal["restored", "undone", "failed"]
    problem: str
    name: str
    asked_by: str
    asked_at: str
    finished_at: str
    models: list[ModelRows]
    lost_secrets: list[LostSecrets] = Field(description="Emptied by `without_secrets`: to be set again")


class Kept(BaseModel):
    """A state that a restore replaced and an undo brings back."""

    name: str
    made_at: str
    until: str
    size: int


class Status(BaseModel):
    running: Running | None
    schedule: str
    next_at: str | None
    last: Ended | None = Field(description="The last backup since the server started")
    copies: Copies | None = Field(description="null: no other folder is set")
    phrase_kept: bool
    last_restore: LastRestore | None
    undo: list[Kept] = Field(description="The newest first")
