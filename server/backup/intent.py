"""What a restore is about to do, on disk before it does anything: a start after a crash reads here how to go on."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from server.durable import sync_folder
from server.errors import StartupError

RESTORE_FOLDER = "restore"
KEPT_FOLDER = "before-restore"

Kind = Literal["restore", "undo", "rollback"]


class ModelRows(BaseModel):
    """One line of the table that a restore ends with; None where there is no such model."""

    model_config = ConfigDict(frozen=True)

    model: str
    backup: int | None
    now: int | None


class LostSecrets(BaseModel):
    """Sealed values of one field that can't be opened: how many rows have one."""

    model_config = ConfigDict(frozen=True)

    model: str
    field: str
    rows: int


def lost_secrets(counts: Mapping[str, int]) -> list[LostSecrets]:
    """From counts by `model.field`."""
    found = []
    for name, rows in sorted(counts.items()):
        model, _, field = name.partition(".")
        found.append(LostSecrets(model=model, field=field, rows=rows))
    return found


class Intent(BaseModel):
    """One exchange of the data folder's content with that of another folder. Paths are relative to the data folder."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: Kind
    state: Literal["apply", "applied"]
    incoming: str
    outgoing: str
    brings_database: bool
    had_database: bool
    """False in a fresh data folder: there is nothing to undo, and a rollback leaves no database."""
    counts: dict[str, int]
    """Rows per model that must be there afterwards."""
    lost_secrets: list[LostSecrets] = []
    """What was emptied because nothing opens it here."""
    name: str
    asked_by: str
    asked_at: str
    program_version: str
    tries: int = 0
    """Starts that were tried since it was applied."""
    problem: str = ""
    """Of a rollback: why."""


class Report(BaseModel):
    """How the latest restore ended."""

    model_config = ConfigDict(frozen=True)

    outcome: Literal["restored", "undone", "failed"]
    """`failed`: everything is as it was before; `problem` says why."""
    problem: str = ""
    name: str
    asked_by: str
    asked_at: str
    finished_at: str
    models: list[ModelRows]
    lost_secrets: list[LostSecrets] = []
    told: bool = False
    """Whether admins have been notified."""


class Papers:
    """The two files in `<data>/restore`: the intent, while there is one, and the report of the last restore."""

    def __init__(self, data: Path) -> None:
        self.folder = data / RESTORE_FOLDER
        self._intent = self.folder / "intent.json"
        self._report = self.folder / "report.json"

    def intent(self) -> Intent | None:
        """The unfinished intent. Raises StartupError when it can't be read: nobody may guess what it wanted."""
        try:
            return Intent.model_validate_json(self._intent.read_bytes())
        except FileNotFoundError:
            return None
        except (ValidationError, OSError) as error:
            raise StartupError(
                f"A restore was not finished, and {self._intent} can't be read. Nothing was changed. Use the program "
                "version that began it."
            ) from error

    def report(self) -> Report | None:
        try:
            return Report.model_validate_json(self._report.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def put_intent(self, intent: Intent) -> None:
        self._put(self._intent, intent)

    def put_report(self, report: Report) -> None:
        self._put(self._report, report)

    def drop_intent(self) -> None:
        self._intent.unlink(missing_ok=True)
        sync_folder(self.folder)

    def _put(self, path: Path, content: BaseModel) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        draft = path.with_suffix(".new")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(content.model_dump(mode="json"), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        sync_folder(self.folder)
