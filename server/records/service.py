"""Records: every read and write of a row of any model, always for an Actor. The one choke point."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextvars import copy_context
from pathlib import Path
from typing import Any, TypeVar

import orjson

from server.access.actor import Actor
from server.access.policy import Policy
from server.config import SettingsHolder
from server.db.store import Store
from server.errors import GridBearError
from server.events.bus import Bus, RecordChanged
from server.events.hook_path import hook_path
from server.models.registry import ModelRegistry
from server.records.audit import AUDIT
from server.records.behaviour import Behaviour
from server.records.planning import Planned, Result, plan_change, plan_create, plan_delete, plan_upsert
from server.records.reading import Page, Reading, Row
from server.records.shelf import Shelf
from server.records.steady import steady_write
from server.records.together import KnownCreates, NewRow, Unit
from server.records.under_way import UnderWay
from server.records.work import IfMatch, Work
from server.secrets.vault import Vault

log = logging.getLogger(__name__)

T = TypeVar("T")

__all__ = ["Page", "Records", "Row"]


class Records(Reading):
    """The choke point. Rows go out as the JSON text that SQLite rendered; `get`, `find`… give dicts."""

    def __init__(
        self, store: Store, registry: ModelRegistry, bus: Bus, settings: SettingsHolder, policy: Policy, vault: Vault
    ) -> None:
        self.registry = registry
        self.policy = policy
        shelf = Shelf(store, registry, policy, settings, vault)
        self._bus = bus
        self._creates = KnownCreates(shelf)
        super().__init__(shelf)

    def behave(self, model: str, behaviour: Behaviour) -> None:
        """Give `model` a behaviour of its own."""
        self.shelf.behaviours[model] = behaviour
        self._creates.forget()

    async def create_row(self, actor: Actor, model: str, values: Mapping[str, Any]) -> tuple[int, str]:
        """Store a new row. Returns its id and JSON text, including what is told only this once."""
        shelf = self.shelf
        while True:
            planned = shelf.epoch.number if not shelf.epoch.number & 1 else await shelf.epoch.steady()
            try:
                creates = self._creates.of(actor, model)
                row = None if creates is None else creates.form.fill(actor, values)
                if creates is None or row is None:
                    break
                self.require_room(always=creates.form.kept_writable)
                unit = NewRow(shelf, actor, creates.form, row, planned)
                told: tuple[int, str]
                told, _ = await shelf.store.write(unit, (model,), self._telling(), together=creates)
                return told
            except Exception:
                if shelf.epoch.number == planned:
                    raise
        return await self._create_planned(actor, model, values)

    @steady_write
    async def _create_planned(self, actor: Actor, model: str, values: Mapping[str, Any]) -> tuple[int, str]:
        result = await self._run(actor, await plan_create(self.shelf, actor, model, values))
        return result.record_id, result.text

    async def create(self, actor: Actor, model: str, values: Mapping[str, Any], /) -> dict[str, Any]:
        """Store a new row; the row as a dict."""
        row: dict[str, Any] = orjson.loads((await self.create_row(actor, model, values))[1])
        return row

    @steady_write
    async def upsert_row(
        self, actor: Actor, model: str, key: Sequence[str], values: Mapping[str, Any]
    ) -> tuple[int, str, bool]:
        """Change the record that has the same values in the unique field `key`, else create one.

        Returns id, JSON text and whether it was created.
        """
        planned = await plan_upsert(self.shelf, actor, model, key, values)
        result = await self._run(actor, planned)
        return result.record_id, result.text, result.status == 201

    @steady_write
    async def change_row(
        self,
        actor: Actor,
        model: str,
        record_id: int,
        values: Mapping[str, Any],
        *,
        replace: bool = False,
        if_match: IfMatch | None = None,
    ) -> str:
        """Change the sent fields, or with `replace` all writable ones: an omitted one returns to its default.

        `if_match` gets the row's entity tag inside the write; False raises PreconditionFailed.
        """
        planned = await plan_change(self.shelf, actor, model, record_id, values, replace=replace, if_match=if_match)
        return (await self._run(actor, planned)).text

    async def update(self, actor: Actor, model: str, record_id: int, values: Mapping[str, Any], /) -> dict[str, Any]:
        """Change the sent fields; the row as a dict."""
        row: dict[str, Any] = orjson.loads(await self.change_row(actor, model, record_id, values))
        return row

    @steady_write
    async def delete(self, actor: Actor, model: str, record_id: int, /, if_match: IfMatch | None = None) -> None:
        """Delete a row. Raises NotFound when it is absent or invisible, Conflict when others refer to it."""
        planned = plan_delete(self.shelf, actor, model, record_id, if_match=if_match)
        await self._run(actor, planned)

    async def run_planned(
        self, actor: Actor, planned: Sequence[Planned], under_way: UnderWay[Planned] | None = None
    ) -> list[Any]:
        """Run several changes as one: all of them or none. Their results in order.

        When it fails, `under_way` knows the one at which it did.
        """
        steps = under_way or UnderWay()

        def together(work: Work, results: list[Any]) -> list[Any]:
            for step in steps.each(planned):
                results.append(step.run(work, results))
            return results

        always = all(self.passes_guard(actor, step) for step in planned)
        return await self.work(actor, together, tuple({step.model for step in planned}), always=always)

    async def work(
        self,
        actor: Actor,
        run: Callable[[Work, list[Any]], T],
        models: tuple[str, ...],
        *,
        exclusive: bool = False,
        attached: Path | None = None,
        always: bool = False,
    ) -> T:
        """Run one unit of work; what it changed is told after the commit. Raises what `run` raises.

        `exclusive` and `attached` as for `Writer.submit`. `always`: it frees space or is needed to free some, so the
        storage guard lets it pass. Raises StorageFull for all others when the disk is low.
        """
        self.require_room(always=always)
        unit = Unit(self.shelf, actor, run)
        tell = self._telling()
        result: T
        result, _events = await self.shelf.store.write(unit, models, tell, exclusive=exclusive, attached=attached)
        return result

    async def note(self, kind: str, actor: Actor, **what: Any) -> None:
        """Add to the audit log what is no change of one row; `what` as for `audit_entry`."""
        try:
            await self.work(actor, lambda work, _: work.note(kind, **what), (AUDIT,), always=True)
        except GridBearError as error:
            # The deed itself is done; a file that takes no bytes is told of elsewhere.
            log.warning("audit: %s by %s was not stored: %s", kind, actor.username or actor.kind, error.message)

    def require_room(self, *, always: bool = False) -> None:
        """Raise StorageFull when nothing new may be written just now. `always` as for `work`."""
        storage = self.shelf.store.storage
        if storage.in_recovery or (storage.condition.state == "read_only" and not always):
            raise storage.refusal()

    async def _run(self, actor: Actor, planned: Planned) -> Result:
        return await self.work(actor, planned.run, (planned.model,), always=self.passes_guard(actor, planned))

    def passes_guard(self, actor: Actor, planned: Planned) -> bool:
        """Whether a change is possible on a low disk: deleting, signing in, settings, the program's own marks."""
        own_mark = planned.verb == "update" and actor.kind == "system"
        return planned.verb == "delete" or own_mark or self.registry.get(planned.model).options.kept_writable

    def tell(self, event: RecordChanged) -> None:
        """Publish an event of something that is no row."""
        self._bus.publish(event)

    def _telling(self) -> Callable[[tuple[Any, list[RecordChanged]]], None]:
        """What tells of the changes of a unit: hooks that hear of them must know which hooks led to them."""
        if not hook_path():
            return self._tell
        context = copy_context()
        return lambda result: context.run(self._tell, result)

    def _tell(self, result: tuple[Any, list[RecordChanged]]) -> None:
        for event in result[1]:
            self._bus.publish(event)
