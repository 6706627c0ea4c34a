"""Backups of one server: made, listed, taken in, checked, restored. For admins only."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from server.access.actor import Actor
from server.access.demands import demand_admin
from server.backup.archive_format import Kind, Manifest
from server.backup.archive_reader import Archive
from server.backup.copies import Copying, copy_backups
from server.backup.exchange import DATABASE_NAME
from server.backup.intent import KEPT_FOLDER, Papers, lost_secrets
from server.backup.jobs import Jobs
from server.backup.library import PATTERN, Library
from server.backup.making import Fraction, Maker, Order, moment_name
from server.backup.restoring import Stager, archived_secrets, compared
from server.backup.retention import thin_out
from server.backup.schedule import parse_schedule
from server.backup.sealing import SecretsKeeper
from server.backup.server_id import server_id
from server.backup.settling import expire_kept, kept_states
from server.backup.upload import UNCHECKED, Upload
from server.config import SettingsHolder
from server.db.faults import translate
from server.errors import Conflict, GridBearError, NotFound
from server.models.registry import ModelSpec
from server.records.times import from_text, to_text


@dataclass(frozen=True, slots=True)
class _Ended:
    """How the last backup ended."""

    at: str
    reason: str
    name: str | None
    error: str | None


class BackupService:
    """Made on the event loop that uses it. `restart` makes the server start again, which a restore needs; `specs` are
    the models of now; `note` adds to the audit log (`Records.note`)."""

    def __init__(
        self,
        data: Path,
        keeper: SecretsKeeper,
        settings: SettingsHolder,
        fixed_settings: frozenset[str],
        restart: Callable[[], None],
        specs: Callable[[], Iterable[ModelSpec]] = tuple,
        note: Callable[..., Awaitable[None]] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        failure: Callable[[sqlite3.Error], GridBearError] = translate,
    ) -> None:
        """failure: the error for one that the database itself gave while it was copied."""
        self.folder = data / "backups"
        self.clock = clock
        self._data = data
        self._keeper = keeper
        self._settings = settings
        self._restart = restart
        self._noted = note
        self._jobs = Jobs()
        self._library = Library(self.folder)
        self._maker = Maker(data, keeper, fixed_settings, specs, failure=failure)
        self._stager = Stager(data, keeper)
        self._papers = Papers(data)
        self._states = threading.Lock()
        """Around whoever brings a former state back, or deletes some."""
        self._ended: _Ended | None = None
        self._copies = Copying("")

    def start(self) -> None:
        """Make the folder, and remove what a killed process left in it."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        tmp = self._data / "tmp"
        patterns = {self.folder: (f"{UNCHECKED}*", ".*.unchecked*", "*.zip.part"), tmp: ("backup-*", "check-*")}
        for folder in patterns:
            for left in (path for pattern in patterns[folder] for path in folder.glob(pattern)):
                with contextlib.suppress(OSError):
                    left.unlink()

    async def close(self) -> None:
        """Stop what is running; nothing half-made stays."""
        await self._jobs.close()

    async def entries(self, actor: Actor) -> list[dict[str, Any]]:
        """Every backup, the newest first."""
        _admins_only(actor, reading=True)
        return await self._jobs.beside(self._library.entries)

    async def status(self, actor: Actor) -> dict[str, Any]:
        """What is running, the schedule, how the last backup, its copies and the last restore ended."""
        _admins_only(actor, reading=True)
        now, settings = self.clock(), self._settings.current
        report = await self._jobs.beside(self._papers.report)
        kept = await self._jobs.beside(kept_states, self._data, settings.restore_undo_days)
        plan = parse_schedule(settings.backup_schedule)
        last = await self.last_made()
        # Without any, the scheduler knows better whether one is due; then it is made before anybody reads this.
        upcoming = None if plan is None else to_text(plan.next_after(last or now, now))
        return {
            "running": None if self._jobs.running is None else self._jobs.running.told(),
            "schedule": settings.backup_schedule,
            "next_at": upcoming,
            "last": None if self._ended is None else asdict(self._ended),
            "copies": asdict(self._copies) if settings.backup_copy_to else None,
            "phrase_kept": self._keeper.has_phrase,
            "last_restore": None if report is None else report.model_dump(exclude={"told"}),
            "undo": kept,
        }

    async def last_made(self) -> datetime | None:
        """When the newest whole backup was made."""
        # One of a clock that was ahead says nothing.
        latest = to_text(self.clock() + timedelta(hours=1))
        made = [
            entry["made_at"]
            for entry in await self._jobs.beside(self._library.entries)
            if entry["name"].startswith("backup-") and entry["problem"] is None and entry["made_at"] <= latest
        ]
        return from_text(max(made)) if made else None

    async def make(
        self, actor: Actor, *, kind: Kind = "backup", reason: str = "manual", without_phrase: bool = False
    ) -> dict[str, Any]:
        """Make a backup, or a move file, and check it.

        Raises Conflict (`recovery_phrase_needed`, `backup_running`), StorageFull, Busy.
        """
        _admins_only(actor)
        if not self._keeper.has_phrase and not without_phrase:
            raise Conflict(
                "Nobody has kept a recovery phrase yet, and without one no backup brings secrets back on another "
                "computer. Keep one first, or make this backup without (without_phrase).",
                code="recovery_phrase_needed",
            )
        moment = self.clock()
        here = await self._jobs.beside(server_id, self.folder)
        target = self.folder / f"{moment_name(kind, moment)}-{here}.zip"
        order = Order(target, kind, reason, actor.username or actor.kind, moment)
        try:
            await self._jobs.alone("backup", lambda stop, told: self._make(order, stop, told))
        except GridBearError as error:
            self._ended = _Ended(to_text(self.clock()), reason, None, error.message)
            raise
        self._ended = _Ended(to_text(self.clock()), reason, target.name, None)
        await self._note("backup_made", actor, target.name, detail=f"{kind}, {reason}")
        return await self._jobs.beside(self._library.present, target)

    async def check(self, actor: Actor, name: str) -> dict[str, Any]:
        """Read a backup whole. Raises BadArchive naming what is wrong, NotFound."""
        _admins_only(actor)
        path = self._library.path(name)

        def work(stop: threading.Event, told: Fraction) -> None:
            with Archive(path) as archive:
                archive.verify(self._data / "tmp", stop, _steps(told, archive.size))

        await self._jobs.alone("check", work)
        return await self._jobs.beside(self._library.present, path)

    async def content(self, actor: Actor, name: str) -> Path:
        """The file of a backup, to be read. Raises NotFound."""
        _admins_only(actor)
        path = self._library.path(name)
        await self._note("backup_fetched", actor, name)
        return path

    async def delete(self, actor: Actor, name: str) -> None:
        """Delete a backup. Raises NotFound."""
        _admins_only(actor)
        await self._jobs.beside(self._library.delete, name)
        await self._note("backup_deleted", actor, name)

    async def upload(self, actor: Actor, chunks: AsyncIterator[bytes], size: int | None = None) -> dict[str, Any]:
        """Take in a backup made elsewhere, and check it. `size` is what the sender says.

        Raises BadArchive naming what is wrong, StorageFull. Nothing of it stays then.
        """
        _admins_only(actor)
        upload = Upload(self.folder, self._jobs)
        upload.require_room(size or 0)
        moment = self.clock()
        try:
            await upload.take(chunks)

            def work(stop: threading.Event, told: Fraction) -> Path:
                with Archive(upload.part, "The upload") as archive:
                    archive.verify(self._data / "tmp", stop, _steps(told, archive.size))
                # No other is put there meanwhile: it works alone.
                return upload.keep(moment)

            target = await self._jobs.alone("upload", work)
        finally:
            upload.forget()
        await self._note("backup_uploaded", actor, target.name)
        return await self._jobs.beside(self._library.present, target)

    async def plan(self, actor: Actor, name: str) -> dict[str, Any]:
        """What a restore would bring: the table of rows, what is missing, whether the phrase is needed."""
        _admins_only(actor)
        path = self._library.path(name)

        def work(stop: threading.Event, told: Fraction) -> dict[str, Any]:
            unreadable: dict[str, int] = {}
            with Archive(path) as archive:
                secrets = archived_secrets(archive)
                archive.verify(
                    self._data / "tmp",
                    stop,
                    _steps(told, archive.size),
                    look=lambda copy: unreadable.update(self._keeper.unreadable(secrets, copy)),
                )
                rows = compared(archive.manifest.counts, self._data / DATABASE_NAME)
                return {
                    "backup": self._library.present(path),
                    "models": [row.model_dump() for row in rows],
                    "not_included": [missing.model_dump() for missing in archive.manifest.not_included],
                    "phrase_needed": self._keeper.needs_phrase(secrets),
                    "unreadable_secrets": [lost.model_dump() for lost in lost_secrets(unreadable)],
                }

        return await self._jobs.alone("check", work)

    async def restore(
        self, actor: Actor, name: str, phrase: str | None, *, without_secrets: bool = False
    ) -> dict[str, Any]:
        """Check everything, prepare it beside the data, and start the server again with it.

        Raises WrongPhrase, BadArchive, StorageFull, Conflict; nothing was changed then.
        """
        _admins_only(actor)
        path, moment, who = self._library.path(name), self.clock(), actor.username or actor.kind

        def work(stop: threading.Event, told: Fraction) -> None:
            with Archive(path) as archive:
                self._stager.stage(archive, phrase, who, moment, stop, told, without_secrets=without_secrets)

        await self._jobs.alone("restore", work)
        await self._note("restore", actor, name)
        self._restart()
        return {"name": name, "restarting": True}

    async def undo(self, actor: Actor, name: str | None = None) -> dict[str, Any]:
        """Bring back the state that a restore replaced, the latest unless told. Raises NotFound, Conflict."""
        _admins_only(actor)
        moment, who = self.clock(), actor.username or actor.kind
        kept = await self._jobs.beside(kept_states, self._data, self._settings.current.restore_undo_days)
        names = [str(state["name"]) for state in kept if name in (None, state["name"])]
        if not names:
            raise NotFound("There is no restore to undo, or its former state is gone.", code="nothing_to_undo")
        folder = self._data / KEPT_FOLDER / names[0]

        def work(stop: threading.Event, told: Fraction) -> None:
            with self._states:
                self._stager.stage_undo(folder, names[0], who, moment)

        await self._jobs.alone("restore", work)
        await self._note("restore_undone", actor, names[0])
        self._restart()
        return {"name": names[0], "restarting": True}

    async def tend(self) -> None:
        """Delete former states that were kept long enough."""
        await self._jobs.beside(self._expire_states)

    def untold_report(self) -> tuple[str, str] | None:
        """The outcome of the last restore and a sentence on it, until `report_was_told`."""
        report = self._papers.report()
        if report is None or report.told:
            return None
        if report.outcome == "failed":
            return "failed", f"Restoring {report.name} failed, and everything is as it was before: {report.problem}"
        rows = sum(row.now or 0 for row in report.models)
        done = "restored" if report.outcome == "restored" else "brought back"
        text = f"{report.name} was {done} for {report.asked_by}: {rows} rows. It can be undone."
        if report.lost_secrets:
            lost = ", ".join(f"{one.rows} in {one.model}.{one.field}" for one in report.lost_secrets)
            text += f" Secrets that nothing opens here are empty now and want your attention: {lost}."
        return report.outcome, text

    def report_was_told(self) -> None:
        """Remember that admins know."""
        report = self._papers.report()
        if report is not None:
            self._papers.put_report(report.model_copy(update={"told": True}))

    @property
    def progress(self) -> float | None:
        """How far what is running is, from 0 to 1."""
        return None if self._jobs.running is None else self._jobs.running.progress

    @property
    def copies_problem(self) -> str | None:
        """Why the other folder has not every backup."""
        return self._copies.problem

    def _make(self, order: Order, stop: threading.Event, told: Fraction) -> Manifest:
        settings = self._settings.current
        manifest = self._maker.make(order, stop, told)
        thin_out(self.folder, PATTERN, settings.backup_keep, settings.backup_max_bytes)
        if settings.backup_copy_to:
            self._copies = copy_backups(
                self.folder,
                Path(settings.backup_copy_to),
                settings.backup_copy_keep,
                settings.backup_copy_max_bytes,
                stop,
                pattern=f"backup-*-{server_id(self.folder)}.zip",
            )
        return manifest

    def _expire_states(self) -> None:
        # Who is bringing one back just now may need it; there will be another time.
        if self._states.acquire(blocking=False):
            try:
                expire_kept(self._data, self._settings.current.restore_undo_days, self.clock())
            finally:
                self._states.release()

    async def _note(self, kind: str, actor: Actor, name: str, **more: str) -> None:
        if self._noted is not None:
            await self._noted(kind, actor, about=name, **more)


def _steps(told: Fraction, whole: int) -> Callable[[int], None]:
    done = 0

    def step(count: int) -> None:
        nonlocal done
        done += count
        told(min(1.0, done / max(1, whole)))

    return step


def _admins_only(actor: Actor, *, reading: bool = False) -> None:
    demand_admin(actor, "Backups hold everything, so they are for admins alone.", "api:read" if reading else "api")
