"""Imports: a file of rows is read and checked in a thread, staged, and taken over by the writer."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from server.access.actor import Actor
from server.db.foreign import ForeignDatabase
from server.db.staging import Staging, staged_reader
from server.errors import Busy, Forbidden, ValidationFailed
from server.models.registry import ModelSpec
from server.records.behaviour import Behaviour
from server.records.import_csv import open_csv
from server.records.import_files import Batch, RowFile, sniffed_format
from server.records.import_json import open_json, open_jsonl
from server.records.import_key import KEYS, KeptImport
from server.records.import_one_by_one import MAX_PREPARED, import_one_by_one
from server.records.import_plan import (
    LISTED_OF_ALL,
    LISTED_OF_SKIPPED,
    ImportOptions,
    ReadFile,
    RowErrors,
    may_be_ignored,
    plan_columns,
)
from server.records.import_sqlite import open_sqlite
from server.records.import_takeover import Problem, Taken, Takeover, add_problems
from server.records.import_values import Column, stored_cell
from server.records.service import Records
from server.records.steady import planning
from server.records.still_in import require_still_in
from server.records.values import BadValue, require_givable
from server.records.work import Work

CHUNK_SECONDS = 0.05
FIRST_CHUNK = 500
MOST_IN_CHUNK = 5000

Chunk = Callable[[Work, list[Any]], tuple[Taken, list[Problem]]]
Progress = Callable[[int], None]
"""Gets how many bytes of the file were read."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an import is."""

    model: str
    phase: Literal["reading", "storing"]
    part: float
    """Of the file, from 0 to 1, that was read."""
    rows: int
    """Rows read so far."""


@contextlib.contextmanager
def opened_file(path: Path, options: ImportOptions, *, any_table: bool = False) -> Iterator[RowFile]:
    """A file of rows, ready to be read. Raises ValidationFailed when it is none of the kinds that can be.

    `any_table`: of a SQLite file with several tables the first will do, if none is named.
    """
    with path.open("rb") as raw, contextlib.ExitStack() as stack:
        start = raw.read(64)
        raw.seek(0)
        match options.format or sniffed_format(start):
            case "sqlite":
                database = stack.enter_context(ForeignDatabase(path))
                yield open_sqlite(path, database, options.table, any_table=any_table)
            case "json":
                yield open_json(raw)
            case "jsonl":
                yield open_jsonl(raw)
            case "csv":
                yield open_csv(raw, options.delimiter)


class Import:
    """One import of one file. `run` once."""

    def __init__(
        self,
        records: Records,
        actor: Actor,
        model: str,
        path: Path,
        options: ImportOptions,
        owner: int | None,
        staged: Path,
        progress: Progress | None = None,
    ) -> None:
        """Raises Forbidden, Unauthorized, NotFound (model), ValidationFailed when the model or caller can't do it."""
        self._records = records
        self._planned = records.shelf.epoch.number
        self._actor = actor
        self._spec: ModelSpec = records.registry.get(model)
        self._may = records.policy.allow(actor, self._spec, "create")
        require_givable(self._spec, self._may.hidden)
        self._path = path
        self.options = options
        self._owner = owner
        self._staged = staged
        self._progress = progress or (lambda _bytes: None)
        self.kept: KeptImport | None = None
        """Its key, if it has one."""
        self._began = time.perf_counter()
        self._told: dict[str, Any] | None = None
        self._stopped = threading.Event()
        self._position = self._rows = 0
        self.is_noted = False
        """Whether the audit log has it already, stored with its rows."""
        self._phase: Literal["reading", "storing"] = "reading"
        behaviour: Behaviour | None = records.shelf.behaviours.get(model)
        self._one_by_one = (behaviour is not None and behaviour.minds_creation) or bool(self._spec.sealed)
        if behaviour is not None and not behaviour.importable:
            raise ValidationFailed(
                f"{self._spec.options.label_plural} can't be imported: each tells something only once, when it is "
                "made.",
                code="not_importable",
            )
        if options.keep_ids and (not actor.is_admin or self._one_by_one):
            raise ValidationFailed.of("keep_ids", "not_possible", "only admins keep ids, and not of these records")

    @property
    def _tables(self) -> tuple[str, ...]:
        return (self._spec.name,) if self.kept is None else (self._spec.name, KEYS)

    @property
    def model(self) -> str:
        return self._spec.name

    @property
    def actor(self) -> Actor:
        """Whose import it is."""
        return self._actor

    def standing(self) -> Standing:
        """How far it is, from any thread."""
        with contextlib.suppress(OSError):
            size = self._path.stat().st_size
            return Standing(self._spec.name, self._phase, min(1.0, self._position / max(1, size)), self._rows)
        return Standing(self._spec.name, self._phase, 1.0, self._rows)

    def stop(self) -> None:
        """Give up reading, from any thread."""
        self._stopped.set()

    async def run(self, threads: Executor) -> dict[str, Any]:
        """The report. Raises ValidationFailed with the refused rows when all were wanted and some are bad."""
        self._began = time.perf_counter()
        loop = asyncio.get_running_loop()
        options = self.options
        try:
            with planning(self._records.shelf.epoch, self._planned):
                read = await loop.run_in_executor(threads, self._read)
                self._check_rights()
                self._phase = "storing"
                if self._one_by_one:
                    steps = None if self.kept is None else (self.kept.begin, partial(self._end, read))
                    taken = await import_one_by_one(self._records, self._actor, self._spec, read, options, steps)
                elif options.dry_run:
                    taken = await loop.run_in_executor(threads, self._try, read)
                else:
                    taken = await self._take(read, threads)
        finally:
            for end in ("", "-journal"):
                with contextlib.suppress(OSError):
                    Path(f"{self._staged}{end}").unlink(missing_ok=True)
        return self._told or self._report(read, taken)

    # In the thread

    def _read(self) -> ReadFile:
        with opened_file(self._path, self.options) as file:
            plan = plan_columns(self._actor, self._spec, self._may, file.header, self.options)
            limit = LISTED_OF_ALL if self.options.mode == "all" and not self.options.dry_run else LISTED_OF_SKIPPED
            read = ReadFile(file, plan, errors=RowErrors(limit))
            if self._one_by_one:
                self._read_values(read)
                return read
            staging = Staging(self._staged, plan.names)
            try:
                columns = [Column(found, typed=file.typed) for found in plan.fields]
                for batch in self._batches(read):
                    self._stage(read, batch, columns, staging)
            finally:
                staging.finish()
            return read

    def _batches(self, read: ReadFile) -> Iterator[Batch]:
        for batch in read.file.batches(list(read.plan.sources)):
            if self._stopped.is_set():
                raise Busy("The server is stopping; nothing was imported.", retry_after=5.0)
            if read.file.header is None:
                batch = self._without_unknown(batch)
            read.rows += len(batch.numbers) + len(batch.bad)
            read.last = max([read.last, *batch.numbers[-1:], *(bad[0] for bad in batch.bad)])
            for row, name, code, message in batch.bad:
                read.errors.add(row, [(name, code, message)])
            yield batch
            self._position, self._rows = read.file.position(), read.rows
            self._progress(self._position)

    def _without_unknown(self, batch: Batch) -> Batch:
        """Rows that name their own columns: refuse those with one that goes into no field."""
        *columns, others = batch.columns
        unknown = {keys: [k for k in keys if not may_be_ignored(k, self.options)] for keys in set(others)}
        if not any(unknown.values()):
            return Batch(batch.numbers, columns, batch.bad)
        good = [index for index, keys in enumerate(others) if not unknown[keys]]
        bad = [
            (number, key, "unknown_field", f"{self._spec.name} has no field {key}")
            for number, keys in zip(batch.numbers, others, strict=True)
            for key in unknown[keys][:1]
        ]
        kept = [[column[index] for index in good] for column in columns]
        return Batch([batch.numbers[index] for index in good], kept, batch.bad + bad)

    def _stage(self, read: ReadFile, batch: Batch, columns: list[Column], staging: Staging) -> None:
        wanted = read.errors.rows == 0 or self.options.mode == "skip_bad"
        stored = [column.batch(values) for column, values in zip(columns, batch.columns, strict=True)]
        quick = [values for values in stored if values is not None]
        if len(quick) == len(columns):
            if wanted:
                staging.add(zip(batch.numbers, *quick, strict=True))
            return
        rows = []
        for number, *values in zip(batch.numbers, *batch.columns, strict=True):
            row: list[Any] = [number]
            problems = []
            for found, value in zip(read.plan.fields, values, strict=True):
                try:
                    row.append(stored_cell(found, value, typed=read.file.typed))
                except BadValue as bad:
                    problems.append((found.name, bad.code, bad.message))
            if problems:
                read.errors.add(number, problems)
            else:
                rows.append(tuple(row))
        if wanted:
            staging.add(rows)

    def _read_values(self, read: ReadFile) -> None:
        for batch in self._batches(read):
            if read.rows > MAX_PREPARED:
                raise ValidationFailed(
                    f"{self._spec.options.label_plural} are made one by one: at most {MAX_PREPARED:,} in one file.",
                    code="too_many_rows",
                )
            for number, *values in zip(batch.numbers, *batch.columns, strict=True):
                read.values.append((number, dict(zip(read.plan.names, values, strict=True))))

    def _try(self, read: ReadFile) -> Taken:
        """What the writer would do, found out by reading."""
        takeover = self._takeover(read)
        with staged_reader(self._records.shelf.store.storage, self._staged) as connection:
            add_problems(read.errors, takeover.problems(connection.execute, 1, read.last, -1))
        return Taken()

    def _look(self, read: ReadFile, takeover: Takeover) -> None:
        with staged_reader(self._records.shelf.store.storage, self._staged) as connection:
            takeover.look(connection.execute, read.last, LISTED_OF_ALL)

    # On the event loop

    def _check_rights(self) -> None:
        """Raise Forbidden unless the importer may still do what was looked at when the file began to come."""
        require_still_in(self._records, self._actor)
        if self._records.policy.allow(self._actor, self._spec, "create") != self._may:
            raise Forbidden("What you may import was changed in the meantime; nothing was imported. Try again.")

    def _takeover(self, read: ReadFile) -> Takeover:
        kept = self.options.keep_ids
        return Takeover(self._records.shelf, self._actor, self._spec, read.plan, self._owner, kept)

    async def _take(self, read: ReadFile, threads: Executor) -> Taken:
        takeover = self._takeover(read)
        if self.options.mode == "all":
            if read.errors.rows:
                raise read.errors.failure()
            await asyncio.get_running_loop().run_in_executor(threads, self._look, read, takeover)

            def unit(work: Work, _results: list[Any]) -> Taken:
                taken = takeover.all_rows(work, read.last, LISTED_OF_ALL)
                if taken.rows:
                    takeover.tell(work, taken)
                self._end(read, work, taken)
                self._note(work, f"{taken.rows} rows")
                return taken

            taken = await self._records.work(self._actor, unit, self._tables, attached=self._staged)
            self.is_noted = True
            return taken
        return await self._take_in_chunks(read, takeover)

    async def _take_in_chunks(self, read: ReadFile, takeover: Takeover) -> Taken:
        """Short units, so that others get their turn between them."""
        total = Taken()
        low, count = 1, FIRST_CHUNK
        whole = False
        try:
            while low <= read.last:
                if self._stopped.is_set():
                    raise Busy(f"The server is stopping; {total.rows} rows were imported.", retry_after=5.0)
                begins = not total.rows and low + count <= read.last
                unit = self._chunk(takeover, low, low + count - 1, begins=begins)
                taken, problems = await self._records.work(self._actor, unit, self._tables, attached=self._staged)
                total.add(taken)
                add_problems(read.errors, problems)
                low += count
                count = max(50, min(MOST_IN_CHUNK, count * 2, int(count * CHUNK_SECONDS / max(taken.seconds, 1e-4))))
            whole = True
        finally:
            if total.rows:

                def last(work: Work, _results: list[Any]) -> None:
                    takeover.tell(work, total)
                    if whole:
                        self._end(read, work, total)
                    self._note(work, f"{total.rows} rows{'' if whole else ', then it broke off'}")

                with planning(self._records.shelf.epoch, await self._records.shelf.epoch.steady()):
                    # What is stored is told, however full the disk is by now.
                    await self._records.work(self._actor, last, self._tables, always=True)
                self.is_noted = True
        return total

    def _chunk(
        self, takeover: Takeover, low: int, high: int, *, begins: bool
    ) -> Callable[[Work, list[Any]], tuple[Taken, list[Problem]]]:
        def unit(work: Work, _results: list[Any]) -> tuple[Taken, list[Problem]]:
            taken, problems = takeover.some_rows(work, low, high)
            if self.kept is not None and taken.rows:
                self.kept.begin(work)
            if begins and taken.rows:
                # All that tells of these rows, should the process be killed before the last ones.
                self._note(work, f"{taken.rows} rows, and more to come")
            return taken, problems

        return unit

    # In the writer thread

    def _end(self, read: ReadFile, work: Work, taken: Taken) -> None:
        if self.kept is not None and taken.rows:
            self._told = self._report(read, taken)
            self.kept.end(work, self._told)

    def _note(self, work: Work, detail: str) -> None:
        work.note("import", model=self._spec.name, detail=detail)

    def _report(self, read: ReadFile, taken: Taken) -> dict[str, Any]:
        dry = self.options.dry_run
        good = read.rows - read.errors.rows
        if dry and self.options.mode == "all" and read.errors.rows:
            good = 0
        return {
            "model": self._spec.name,
            "format": read.file.format,
            "mode": self.options.mode,
            "dry_run": dry,
            "rows": read.rows,
            "imported": good if dry else taken.rows,
            "refused": read.errors.rows,
            "first_id": taken.first_id,
            "last_id": taken.last_id,
            "columns": [
                {"column": source, "field": found.name, "type": found.type}
                for source, found in zip(read.plan.sources, read.plan.fields, strict=True)
            ],
            "ignored": list(read.plan.ignored),
            "table": read.file.table,
            "delimiter": read.file.delimiter,
            "errors": read.errors.in_order(),
            "seconds": round(time.perf_counter() - self._began, 3),
        }
