"""Exports and imports of one server: how many at once, where their files lie, and that nothing of them stays."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from server.access.actor import SYSTEM, Actor
from server.asgi.request_key import RequestKey, interrupted
from server.config import SettingsHolder
from server.errors import Busy, Forbidden, GridBearError, StorageFull, TooLarge, Unauthorized, ValidationFailed
from server.records.exporting import Export, plan_export
from server.records.import_files import sniffed_format
from server.records.import_guess import SAMPLE_BYTES, guess_file
from server.records.import_key import ImportKeys, KeptImport, SentImport
from server.records.import_plan import ImportOptions
from server.records.importing import Import, Progress, Standing
from server.records.kept_keys import utc_now
from server.records.people_by_name import person_named
from server.records.service import Records
from server.records.still_in import require_still_in

EXPORTS_AT_ONCE = 4
IMPORTS_AT_ONCE = 2
SPOOL_BYTES = 1 << 20
_PREFIX = "import-"


class Transfers:
    """Made on the event loop that uses it. `folder` is the data folder's `tmp`."""

    def __init__(self, records: Records, settings: SettingsHolder, folder: Path) -> None:
        self._records = records
        self._settings = settings
        self._folder = folder
        self._threads = ThreadPoolExecutor(EXPORTS_AT_ONCE + IMPORTS_AT_ONCE, thread_name_prefix="gridbear-transfer")
        self._keys = ImportKeys(records.shelf)
        self._exports = 0
        self._imports: set[Import] = set()
        self._tasks: set[asyncio.Task[dict[str, Any]]] = set()
        self._closed = False

    def start(self) -> None:
        """Remove what a killed process left behind."""
        for left in self._folder.glob(f"{_PREFIX}*"):
            with contextlib.suppress(OSError):
                left.unlink()

    async def close(self) -> None:
        """End what is running; an import that the writer has begun is finished."""
        self._closed = True
        for running in self._imports:
            running.stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)

    def plan_export(self, actor: Actor, model: str, parameters: Iterable[tuple[str, str]]) -> Export:
        """An export that is ready to be read with `chunks`. See `server.records.exporting.plan_export`.

        Raises Busy when too many are running.
        """
        if self._exports >= EXPORTS_AT_ONCE:
            raise Busy(f"{EXPORTS_AT_ONCE} exports are running already.", retry_after=10.0)
        return plan_export(self._records.shelf, actor, model, parameters, self._threads)

    async def chunks(self, export: Export) -> AsyncGenerator[bytes, None]:
        """The export's pieces. Raises Forbidden when who reads them, as slowly as they like, loses the right to."""
        self._exports += 1
        try:
            await self._records.note("export", export.actor, model=export.model)
            async with contextlib.aclosing(export.chunks()) as chunks:
                async for chunk in chunks:
                    self._check_still(export)
                    yield chunk
        finally:
            self._exports -= 1

    def _check_still(self, export: Export) -> None:
        require_still_in(self._records, export.actor)
        spec = self._records.registry.get(export.model)
        may = self._records.policy.permission(export.actor, spec, "list")
        if (may.extent, may.hidden) != (export.may.extent, export.may.hidden):
            raise Forbidden("You may not export this as before any more.", code="rights_changed")

    async def import_stream(
        self, actor: Actor, model: str, options: ImportOptions, chunks: AsyncIterator[bytes]
    ) -> dict[str, Any]:
        """Keep an upload in a file, import it, remove the file. Raises as `import_file` does, and TooLarge."""
        spool = self._path()
        running = self._prepared(actor, model, spool, options, None)
        try:
            await self._spool(spool, chunks)
            return await self._run(running)
        finally:
            self._imports.discard(running)
            spool.unlink(missing_ok=True)

    async def import_once(
        self, actor: Actor, model: str, options: ImportOptions, chunks: AsyncIterator[bytes], sent: SentImport
    ) -> tuple[dict[str, Any], bool]:
        """`import_stream` with a key: the report, and whether it is that of an earlier import.

        Raises besides ValidationFailed when the key came with another request, Conflict when its import was broken off.
        """
        self._records.policy.allow(actor, self._records.registry.get(model), "create")
        if self._keys.is_known(actor, sent):
            # Nothing of it is needed but its hash.
            async for _ in _bounded(sent.fed(chunks), self._settings.current.import_body_bytes):
                pass
            told = await self._keys.answer(actor, sent.key)
            if told is None:
                raise Busy("The first request with this Idempotency-Key has failed. Try again.", retry_after=1)
            return told, True
        spool = self._path()
        running = self._prepared(actor, model, spool, options, None)
        try:
            await self._spool(spool, sent.fed(chunks))
            told = await self._keys.answer(actor, sent.key)
            if told is not None:
                return told, True
            running.kept = KeptImport(sent.key, model, utc_now())
            return await self._fly(actor, running, sent.key), False
        finally:
            self._imports.discard(running)
            spool.unlink(missing_ok=True)

    async def _fly(self, actor: Actor, running: Import, key: RequestKey) -> dict[str, Any]:
        flight = self._keys.take_off(actor, key)
        try:
            flight.report = await self._run(running)
            return flight.report
        except GridBearError as error:
            flight.error = error
            raise
        except BaseException:
            flight.error = interrupted("The import with this Idempotency-Key was broken off.")
            raise
        finally:
            self._keys.land(actor, key)

    async def import_file(
        self, actor: Actor, model: str, options: ImportOptions, path: Path, progress: Progress | None = None
    ) -> dict[str, Any]:
        """Import a file of this computer. `progress` is called in a thread with the bytes that were read.

        Returns the report: rows, imported, refused, columns, errors… Raises Forbidden, NotFound (model),
        ValidationFailed with the rows that can't be used, Busy.
        """
        running = self._prepared(actor, model, path, options, progress)
        try:
            return await self._run(running)
        finally:
            self._imports.discard(running)

    def running(self, actor: Actor) -> list[Standing]:
        """How far the actor's own imports are. Raises Unauthorized."""
        if actor.user_id is None:
            raise Unauthorized("Sign in first.")
        return [one.standing() for one in self._imports if one.actor.user_id == actor.user_id]

    async def guess(self, options: ImportOptions, name: str, chunks: AsyncIterator[bytes]) -> dict[str, Any]:
        """What the beginning of a file (of a SQLite file, all of it) holds. Raises ValidationFailed, TooLarge."""
        path = self._path()
        try:
            await self._spool(path, _beginning(chunks))
            return await asyncio.get_running_loop().run_in_executor(self._threads, guess_file, path, options, name)
        finally:
            path.unlink(missing_ok=True)

    def _prepared(
        self, actor: Actor, model: str, path: Path, options: ImportOptions, progress: Progress | None
    ) -> Import:
        if self._closed:
            raise Busy("The server is stopping.", retry_after=2.0)
        owner = self._owner(actor, options)
        running = Import(self._records, actor, model, path, options, owner, self._path(), progress)
        if len(self._imports) >= IMPORTS_AT_ONCE:
            raise Busy(f"{IMPORTS_AT_ONCE} imports are running already.", retry_after=10.0)
        self._imports.add(running)
        return running

    async def _run(self, running: Import) -> dict[str, Any]:
        task = asyncio.create_task(self._noted(running))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            # Its files may not go before the thread or the writer is done with them.
            running.stop()
            await asyncio.wait([task])
            raise
        except OSError as error:
            raise _storage(error) from error

    async def _noted(self, running: Import) -> dict[str, Any]:
        report = await running.run(self._threads)
        if not (running.options.dry_run or running.is_noted):
            detail = f"{report['imported']} rows"
            await self._records.note("import", running.actor, model=running.model, detail=detail)
        return report

    async def _spool(self, path: Path, chunks: AsyncIterator[bytes]) -> None:
        self._records.require_room()
        loop = asyncio.get_running_loop()
        limit = self._settings.current.import_body_bytes
        waiting = 0
        parts: list[bytes] = []
        try:
            with await loop.run_in_executor(self._threads, path.open, "wb") as file:
                async for chunk in _bounded(chunks, limit):
                    parts.append(chunk)
                    waiting += len(chunk)
                    if waiting >= SPOOL_BYTES:
                        self._records.require_room()
                        await loop.run_in_executor(self._threads, file.write, b"".join(parts))
                        parts, waiting = [], 0
                await loop.run_in_executor(self._threads, file.write, b"".join(parts))
        except OSError as error:
            raise _storage(error) from error

    def _owner(self, actor: Actor, options: ImportOptions) -> int | None:
        if options.owner is None:
            return actor.user_id
        if not actor.is_admin:
            raise Forbidden("Only admins import records for somebody else.")
        by_id = options.owner.isascii() and options.owner.isdigit() and len(options.owner) < 19
        if by_id:
            found = self._records.look_up(SYSTEM, "users", "id", int(options.owner))
        else:
            found = person_named(self._records, options.owner)
        if found is None:
            raise ValidationFailed.of("owner", "unknown_user", f"there is no user {options.owner!r}")
        return int(found["id"])

    def _path(self) -> Path:
        return self._folder / f"{_PREFIX}{secrets.token_hex(8)}"


async def _bounded(chunks: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    total = 0
    async for chunk in chunks:
        total += len(chunk)
        if total > limit:
            raise TooLarge(f"the file is larger than the limit of {limit} bytes (import_body_bytes)")
        yield chunk


async def _beginning(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The first `SAMPLE_BYTES`, up to the end of a line; a SQLite file whole."""
    start = b""
    async for chunk in chunks:
        start += chunk
        if len(start) < SAMPLE_BYTES:
            continue
        if sniffed_format(start) == "sqlite":
            yield start
            async for more in chunks:
                yield more
        else:
            yield start[: start.rfind(b"\n", 0, SAMPLE_BYTES) + 1] or start
        return
    yield start


def _storage(error: OSError) -> GridBearError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        return StorageFull("The disk is full, so nothing was imported. Free some space and try again.")
    return ValidationFailed(f"The file can't be read ({error.strerror or error}).", code="bad_file")
