"""What a start does about a restore: finish or take back what was begun, count the rows, and say how it ended."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

from server import __version__
from server.backup.exchange import DATABASE_NAME, exchange
from server.backup.intent import KEPT_FOLDER, RESTORE_FOLDER, Intent, ModelRows, Papers, Report
from server.backup.restoring import INCOMING, compared
from server.errors import GridBearError
from server.records.times import to_text

log = logging.getLogger(__name__)

FAILED = f"{RESTORE_FOLDER}/failed"
TRIES = 3
"""Starts on restored data that may end before it is known to be good, by a power cut for example."""


class RestoreFailed(GridBearError):
    """The restored data is not what the backup says, so everything is put back as it was."""

    code = "restore_failed"


class Settling:
    """One start of one data folder: `begin`, open the data, `check`, then `confirm` or `roll_back`."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._papers = Papers(data)
        self._intent: Intent | None = None
        self._rows: list[ModelRows] = []

    def begin(self) -> None:
        """Do what an unfinished intent wants, before anything of the folder is opened.

        Raises StartupError or OSError when it can be neither done nor taken back now; the next start tries again.
        """
        intent = self._papers.intent()
        if intent is None:
            self._remove(INCOMING, FAILED)
            return
        if intent.state == "applied" and intent.kind != "rollback" and intent.tries >= TRIES:
            intent = self._as_rollback(intent, f"the server did not get through {TRIES} starts on the restored data")
        self._intent = intent
        if intent.state == "apply":
            try:
                self._apply()
            except (OSError, sqlite3.Error, GridBearError) as error:
                if not self.roll_back(error):
                    raise
        self._put(tries=intent.tries + 1)

    def check(self) -> None:
        """Compare the rows of the migrated database with those that were promised. Raises RestoreFailed."""
        if self._intent is None:
            return
        self._rows = compared(self._intent.counts, self._data / DATABASE_NAME)
        if self._intent.kind == "rollback":
            return
        wrong = [row for row in self._rows if row.backup is not None and row.backup != row.now]
        if wrong:
            told = ", ".join(f"{row.model}: {row.backup} in the backup, {row.now} restored" for row in wrong[:5])
            raise RestoreFailed(f"The rows are not those of the backup ({told}).")

    def roll_back(self, cause: BaseException) -> bool:
        """Put the former state back. False when nothing was restored, or this is the former state already."""
        intent = self._intent
        if intent is None or intent.kind == "rollback":
            return False
        problem = cause.message if isinstance(cause, GridBearError) else f"{type(cause).__name__}: {cause}"
        log.error("the restore of %s failed and is taken back: %s", intent.name, problem)
        self._as_rollback(intent, problem)
        self._apply()
        return True

    def confirm(self) -> None:
        """The data serves: write the report, and forget the intent."""
        intent = self._intent
        if intent is None:
            return
        failed = intent.kind == "rollback"
        self._papers.put_report(
            Report(
                outcome="failed" if failed else "undone" if intent.kind == "undo" else "restored",
                problem=intent.problem,
                name=intent.name,
                asked_by=intent.asked_by,
                asked_at=intent.asked_at,
                finished_at=to_text(datetime.now(UTC)),
                models=self._rows,
                lost_secrets=[] if failed else intent.lost_secrets,
            )
        )
        self._papers.drop_intent()
        self._intent = None
        # What came in left empty folders.
        self._remove(INCOMING, FAILED, intent.incoming)
        if not failed and not intent.had_database:
            self._remove(intent.outgoing)

    def _apply(self) -> None:
        intent = self._intent
        assert intent is not None
        exchange(
            self._data,
            self._data / intent.incoming,
            self._data / intent.outgoing,
            brings_database=intent.brings_database,
        )
        self._put(state="applied")

    def _as_rollback(self, intent: Intent, problem: str) -> Intent:
        # Left by an earlier rollback that was cut off after its exchange: it would stand in the way of this one.
        self._remove(FAILED)
        rollback = intent.model_copy(
            update={
                "kind": "rollback",
                "state": "apply",
                "incoming": intent.outgoing,
                "outgoing": intent.incoming if intent.kind == "undo" else FAILED,
                "brings_database": intent.had_database,
                "problem": problem,
                "program_version": __version__,
                "tries": 0,
            }
        )
        self._papers.put_intent(rollback)
        self._intent = rollback
        return rollback

    def _put(self, **changes: object) -> None:
        assert self._intent is not None
        self._intent = self._intent.model_copy(update=changes)
        self._papers.put_intent(self._intent)

    def _remove(self, *folders: str) -> None:
        for name in folders:
            folder = self._data / name
            if folder.exists():
                shutil.rmtree(folder, ignore_errors=True)


def kept_states(data: Path, days: float) -> list[dict[str, str | int]]:
    """The states that restores replaced and an undo can bring back, the newest first."""
    found: list[dict[str, str | int]] = []
    for folder in sorted((data / KEPT_FOLDER).glob("state-*"), reverse=True):
        made = _moment(folder.name)
        if made is not None and (folder / DATABASE_NAME).exists():
            size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            until = to_text(made + timedelta(days=days))
            found.append({"name": folder.name, "made_at": to_text(made), "until": until, "size": size})
    return found


def expire_kept(data: Path, days: float, now: datetime) -> list[str]:
    """Delete the states that were kept long enough. Returns their names."""
    gone = []
    intent = Papers(data).intent()
    in_use = () if intent is None else (Path(intent.incoming).name, Path(intent.outgoing).name)
    for folder in (data / KEPT_FOLDER).glob("state-*"):
        made = _moment(folder.name)
        if made is not None and now - made > timedelta(days=days) and folder.name not in in_use:
            shutil.rmtree(folder, ignore_errors=True)
            gone.append(folder.name)
    return gone


def _moment(name: str) -> datetime | None:
    text = name.removeprefix("state-")
    try:
        return datetime.strptime(f"{text[:-1]}000", "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)
    except ValueError:
        return None
