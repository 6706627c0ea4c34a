"""Uploaded files: taking them in, and reading them as far as the caller may."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from server.access.actor import Actor
from server.asgi.request_key import RequestKey, key_digest
from server.config import SettingsHolder
from server.db.content_store import ContentStore, Draft
from server.db.file_rows import content_sql, file_sql
from server.errors import Busy, GridBearError, NotFound, StorageFull, TooLarge, ValidationFailed
from server.models.stored_file import FILES_TABLE
from server.records.behaviour import Behaviour, Prepared
from server.records.file_names import clean_name
from server.records.file_references import type_fits
from server.records.file_types import HEAD_BYTES, file_type
from server.records.idempotency import Created, record_gone
from server.records.kept_keys import MODEL as KEYS
from server.records.kept_keys import keep, known_in, utc_now
from server.records.query import parse_reading
from server.records.reading import Pairs, Row
from server.records.service import Records
from server.records.still_in import require_still_in
from server.records.work import Work, absent
from server.setting_fields import listed

log = logging.getLogger(__name__)

UPLOADS_AT_ONCE = 16
_WRITE_BYTES = 512 * 1024


class Incoming(Protocol):
    """A file on its way in. Name and type are known once the first piece has come."""

    @property
    def name(self) -> str: ...

    @property
    def content_type(self) -> str:
        """As the sender says; empty where they say nothing."""

    def chunks(self) -> AsyncIterator[bytes]: ...


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of a file, and how to show them."""

    name: str
    content_type: str
    size: int
    sha256: str
    path: Path


class FileBehaviour(Behaviour):
    """Rows of files are made by uploads alone."""

    async def prepare(self, actor: Actor, columns: dict[str, Any], *, record_id: int | None) -> Prepared:
        raise ValidationFailed("A file is made by sending its bytes: POST /api/v1/files.", code="upload_needed")


class Files:
    """Made on the event loop that uses it."""

    def __init__(self, records: Records, settings: SettingsHolder, content: ContentStore) -> None:
        self._records = records
        self._settings = settings
        self._content = content
        self._uploads = 0
        self._storing: set[asyncio.Task[Created]] = set()
        records.behave(FILES_TABLE, FileBehaviour())

    async def upload(self, actor: Actor, incoming: Incoming, key: bytes | None = None) -> Created:
        """Take a file in, or tell of the one that came with the same Idempotency-Key. Both bytes and row are on the
        disk then.

        Raises Forbidden, TooLarge, ValidationFailed (its type is not allowed), StorageFull, Busy, and what reading
        `incoming` raises. None of them leaves anything behind.
        """
        self._check_may(actor)
        if key is not None:
            key_digest(key, FILES_TABLE)
        if self._uploads >= UPLOADS_AT_ONCE:
            raise Busy(f"{UPLOADS_AT_ONCE} uploads are running already.", retry_after=5.0)
        self._uploads += 1
        draft: Draft | None = None
        try:
            draft = self._content.draft()
            name, content_type = await self._receive(draft, incoming)
            require_still_in(self._records, actor)
            self._check_may(actor)
            storing = asyncio.create_task(self._store(actor, draft, name, content_type, key))
            draft = None
            self._storing.add(storing)
            storing.add_done_callback(self._storing.discard)
            # Once begun it comes to its end, whoever still waits for it.
            return await asyncio.shield(storing)
        except OSError as error:
            raise StorageFull(
                f"The file was not kept ({error.strerror or error}). Free some space, or see to it that the data "
                "folder can be written, and try again."
            ) from error
        finally:
            self._uploads -= 1
            if draft is not None:
                await asyncio.to_thread(draft.discard)

    async def read(self, actor: Actor, file_id: int, parameters: Pairs = ()) -> Row:
        """What is known of a file. `parameters` as in `read_row` of other models, whose errors it raises."""
        shelf = self._records.shelf
        spec = shelf.models[FILES_TABLE].spec
        may = self._records.policy.permission(actor, spec, "read")
        reach = shelf.file_reach(actor)
        tagged = str((await self._row(actor, file_sql(spec.table, may.shown, reach), file_id))[0])
        if not parameters:
            return Row(tagged, tagged)
        asked = parse_reading(spec, may, parameters)
        expand = shelf.expansions(actor, spec, asked.expand)
        sql = file_sql(spec.table, asked.fields, reach, expand)
        return Row(str((await self._row(actor, sql, file_id))[0]), tagged, expanded=bool(expand))

    async def content(self, actor: Actor, file_id: int) -> Content:
        """The bytes of a file. Raises NotFound when it is absent, not theirs to read, or its bytes are lost."""
        sql = content_sql(self._records.shelf.file_reach(actor))
        name, content_type, size, sha256 = await self._row(actor, sql, file_id)
        path = self._content.path(sha256)
        if not path.is_file():
            log.error("the bytes of file %d (%s) are not in the data folder", file_id, sha256)
            raise NotFound("The bytes of this file are lost. A backup may have them.", code="content_missing")
        return Content(name, content_type, size, sha256, path)

    async def close(self) -> None:
        """Let files that have come whole get their rows."""
        await asyncio.gather(*self._storing, return_exceptions=True)

    def _check_may(self, actor: Actor) -> None:
        self._records.policy.allow(actor, self._records.registry.get(FILES_TABLE), "create")

    async def _row(self, actor: Actor, sql: str, file_id: int) -> tuple[Any, ...]:
        values = {"id": file_id, "actor_id": actor.user_id}
        [rows] = await self._records.shelf.store.read([(sql, values)], inline=True)
        if not rows:
            raise absent(self._records.registry.get(FILES_TABLE), file_id)
        return rows[0]

    async def _receive(self, draft: Draft, incoming: Incoming) -> tuple[str, str]:
        """Write the draft. Returns the name and the type to keep; the type is looked at before much has come."""
        self._records.require_room()
        limit = self._settings.current.upload_body_bytes
        kind: str | None = None
        head = waiting = b""
        async for chunk in incoming.chunks():
            waiting += chunk
            if draft.size + len(waiting) > limit:
                raise TooLarge(f"the file is larger than the limit of {limit} bytes (upload_body_bytes)")
            if len(head) < HEAD_BYTES:
                head += chunk[: HEAD_BYTES - len(head)]
            elif kind is None:
                kind = self._accepted_type(incoming, head)
            if len(waiting) >= _WRITE_BYTES:
                self._records.require_room()
                await asyncio.to_thread(draft.write, waiting)
                waiting = b""
        if waiting:
            await asyncio.to_thread(draft.write, waiting)
        return clean_name(incoming.name), kind or self._accepted_type(incoming, head)

    async def _again(self, actor: Actor, made: Created, shown: tuple[str, ...]) -> Created:
        if shown == ("id",):
            return replace(made, text=f'{{"id":{made.record_id}}}')
        try:
            return replace(made, text=(await self.read(actor, made.record_id)).text)
        except NotFound:
            raise record_gone("file") from None

    def _accepted_type(self, incoming: Incoming, head: bytes) -> str:
        kind = file_type(incoming.content_type, incoming.name, head)
        allowed = tuple(listed(self._settings.current.upload_types))
        if not type_fits(kind, allowed):
            wanted = " or ".join(allowed)
            raise ValidationFailed.of(
                "file", "type_not_allowed", f"files of type {kind} can't be uploaded here, only {wanted} (upload_types)"
            )
        return kind

    async def _store(self, actor: Actor, draft: Draft, name: str, content_type: str, sent: bytes | None) -> Created:
        spec = self._records.registry.get(FILES_TABLE)
        shown = self._records.shelf.shown_to(actor, spec)
        try:
            await asyncio.to_thread(draft.finish)
            known = {"name": name, "content_type": content_type, "size": draft.size, "sha256": draft.sha256}
            told = "\0".join((name, content_type, draft.sha256)).encode()
            key, now = None if sent is None else RequestKey.of(sent, FILES_TABLE, told), utc_now()

            def unit(work: Work, _results: list[Any]) -> Created:
                earlier = None if key is None else known_in(work, key, now)
                if key is not None and earlier is not None:
                    key.check(earlier.request_hash)
                    return Created(earlier.record_id, "", replayed=True)
                row = {**work.prepared(FILES_TABLE).defaults, **known, "owner_id": actor.user_id}
                file_id, text = work.insert(FILES_TABLE, {**row, "created_at": work.now, "updated_at": work.now}, shown)
                if key is not None:
                    keep(work, key, FILES_TABLE, now, record_id=file_id)
                return Created(file_id, text, replayed=False)

            with self._content.keeping(draft.sha256):
                new = await asyncio.to_thread(self._content.put, draft)
                try:
                    made = await self._records.work(actor, unit, (FILES_TABLE, KEYS))
                    return await self._again(actor, made, shown) if made.replayed else made
                except GridBearError:
                    if new:
                        await asyncio.to_thread(self._content.take_back, draft.sha256)
                    raise
        finally:
            await asyncio.to_thread(draft.discard)
