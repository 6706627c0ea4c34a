"""Models that people make themselves: made, changed and dropped at run time, in force at once everywhere."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import MetaData

from server.access.actor import SYSTEM, Actor
from server.access.demands import demand_admin
from server.db import trash
from server.db.rebuild import drop_table
from server.db.statements import filled_sql, unique_shape
from server.errors import Conflict, FieldError, Forbidden, GridBearError, ValidationFailed
from server.events.bus import RecordChanged
from server.models.base import Base, WriteVerb
from server.models.own_definition import OwnDefinition, own_spec
from server.models.registry import ModelSpec
from server.records.detached import Detached
from server.records.kept_copy import MakeWhole, keep_copy
from server.records.kept_keys import forget_keys
from server.records.own_edit import (
    can_be_referred_to,
    changed_definition,
    parsed_definition,
    renamed_fields,
)
from server.records.own_losses import Loss, count_filled, losing, records_go, refuse_losses, values_go
from server.records.own_put import MODEL, Put, put_all, store_definition
from server.records.service import Records
from server.records.under_way import UnderWay
from server.records.values import BadValue, default_column, raise_for
from server.records.work import Work

log = logging.getLogger(__name__)

DECIDING = ("access_rules", "record_tools")
"""What was decided about a model ends with it: a later one of the same name starts afresh."""
MAX_MODELS = 200


class OwnModels:
    """Only admins make, change and drop models. `load` puts those of the file in force at start."""

    def __init__(self, records: Records, backups: Path) -> None:
        self._records = records
        self._backups = backups
        self._definitions: dict[str, OwnDefinition] = {}
        self._metadata = MetaData(naming_convention=Base.metadata.naming_convention)
        self._lock = asyncio.Lock()
        self._detached = Detached()

    def load(self) -> None:
        """Put every stored model in force. One that can't be is left out and told in the log; its records stay."""
        for row in self._records.all_now(SYSTEM, MODEL):
            try:
                definition = OwnDefinition.model_validate(row["definition"])
                self._definitions[definition.name] = definition
            except ValidationError as error:
                log.error("the model %s can't be used: %s", row["name"], error)
        self._leave_out_unconnected()
        if not self._definitions:
            return
        self._follow_registry()
        for definition in self._definitions.values():
            self._records.registry.put(own_spec(definition, self._metadata))
        self._records.shelf.stock()

    def definitions(self, actor: Actor) -> dict[str, OwnDefinition]:
        """All that are in force, by name. Raises Forbidden."""
        _admins_only(actor)
        return dict(self._definitions)

    def definition(self, actor: Actor, name: str) -> dict[str, Any]:
        """A model as it was declared. Raises NotFound, Forbidden."""
        _admins_only(actor)
        return self._known(name).model_dump()

    async def create(self, actor: Actor, given: Mapping[str, Any]) -> ModelSpec:
        """Make a model. Raises ValidationFailed naming each bad part, Conflict when the name is taken."""
        return await self._detached(self._create(actor, given))

    async def _create(self, actor: Actor, given: Mapping[str, Any]) -> ModelSpec:
        _admins_only(actor)
        async with self._lock:
            definition = parsed_definition(given)
            self._check_free(definition)
            return (await self._put(actor, [Put(definition)]))[0]

    async def take_over(self, actor: Actor, definitions: Iterable[OwnDefinition], *, confirmed: bool = False) -> None:
        """Make the models that are missing, and give the others these definitions: all of them or none.

        They may refer to one another. Raises as `create` and `change` do; a Conflict with the records of one of them
        begins with its name.
        """
        await self._detached(self._take_over(actor, definitions, confirmed))

    async def _take_over(self, actor: Actor, definitions: Iterable[OwnDefinition], confirmed: bool) -> None:
        _admins_only(actor)
        async with self._lock:
            puts, losses, keep = [], [], None
            for new in definitions:
                old = self._definitions.get(new.name)
                if old is None:
                    self._check_free(new)
                else:
                    changed_definition(old, new.model_dump())
                    losses += await self._losses(old, new, {})
                puts.append(Put(new, old))
            if losses:
                keep = await self._prepare_loss(losses, "-".join(put.new.name for put in puts)[:60], puts, confirmed)
            under_way: UnderWay[tuple[Put, ModelSpec]] = UnderWay()
            try:
                await self._put(actor, puts, under_way, keep)
            except GridBearError as error:
                if under_way.step is None:
                    raise
                failed = under_way.step[0].new.name
                raise Conflict(f"{failed}: {error} Nothing was changed.", code=error.code) from error

    async def losses(self, actor: Actor, name: str, given: Mapping[str, Any]) -> list[Loss]:
        """What a change would take away. Raises as `change` does, but for the confirmation."""
        _admins_only(actor)
        async with self._lock:
            old = self._known(name)
            return await self._losses(old, changed_definition(old, given), renamed_fields(given))

    async def change(self, actor: Actor, name: str, given: Mapping[str, Any], *, confirmed: bool = False) -> ModelSpec:
        """Change a model: `given` are parts of its definition; `fields`, if there, is the whole new list.

        A field with `was` is the one of that name, renamed. Raises Conflict (`confirmation_needed`) when values would
        be lost, and when values do not fit; then nothing is changed. A copy of the database is kept before a loss.
        """
        return await self._detached(self._change(actor, name, given, confirmed))

    async def _change(self, actor: Actor, name: str, given: Mapping[str, Any], confirmed: bool) -> ModelSpec:
        _admins_only(actor)
        async with self._lock:
            old = self._known(name)
            new, renamed = changed_definition(old, given), renamed_fields(given)
            puts, keep = [Put(new, old, renamed)], None
            if losses := await self._losses(old, new, renamed):
                keep = await self._prepare_loss(losses, name, puts, confirmed)
            return (await self._put(actor, puts, keep=keep))[0]

    async def _prepare_loss(self, losses: list[Loss], name: str, puts: Sequence[Put], confirmed: bool) -> MakeWhole:
        if not confirmed:
            raise values_go(losses)
        changed = [put.old.name for put in puts if put.old is not None]
        return await keep_copy(self._records.shelf.store, self._backups, name, changed)

    async def _put(
        self,
        actor: Actor,
        puts: Sequence[Put],
        under_way: UnderWay[tuple[Put, ModelSpec]] | None = None,
        keep: MakeWhole | None = None,
    ) -> list[ModelSpec]:
        """Put models in force in one transaction; on any error nothing is changed. Inside the lock.

        `keep`: a person was told that values go, and a copy was kept.
        """
        steps = under_way or UnderWay()
        changes = any(put.old is not None for put in puts)
        epoch = self._records.shelf.epoch
        referred_to = {field.references for put in puts for field in put.new.fields if field.references}
        with epoch.changing() if changes else contextlib.nullcontext(), self._records.shelf.holding(referred_to):
            try:
                specs = self._checked_specs([put.new for put in puts])

                def unit(work: Work, _: list[Any]) -> None:
                    if keep is None:
                        refuse_losses(work, puts)
                    else:
                        keep()
                    put_all(work, self._records, list(zip(puts, specs, strict=True)), steps)

                await self._run(actor, unit, exclusive=changes)
            except BaseException:
                self._follow_definitions([put.new.name for put in puts])
                raise
            for put, spec in zip(puts, specs, strict=True):
                self._definitions[spec.name] = put.new
                self._records.registry.put(spec)
            self._records.shelf.stock()
        for put in puts:
            self._tell(put.new.name, "create" if put.old is None else "update")
        return specs

    async def drop(self, actor: Actor, name: str, *, confirmed: bool = False, dry_run: bool = False) -> int:
        """Drop a model with all its records. Returns how many there were. Raises Conflict as `change` does.

        `dry_run` only counts them.
        """
        return await self._detached(self._drop(actor, name, confirmed, dry_run))

    async def _drop(self, actor: Actor, name: str, confirmed: bool, dry_run: bool) -> int:
        _admins_only(actor)
        async with self._lock:
            self._known(name)
            referring = [
                f"{referrer.model}.{referrer.column}"
                for referrer in self._records.shelf.referrers.get(name, ())
                if referrer.model != name
            ]
            if referring:
                raise Conflict(
                    f"{', '.join(referring)} refers to {name}; change or drop that first.", code="referred_to"
                )
            count = (await self._records.list_page(SYSTEM, name, [("limit", "1")])).count or 0
            if dry_run:
                return count
            keep = None
            if count and not confirmed:
                raise records_go(count)
            if count:
                keep = await keep_copy(self._records.shelf.store, self._backups, name, [name])

            def unit(work: Work, _: list[Any]) -> None:
                # Records may have come since they were counted and copied.
                if keep is not None:
                    keep()
                elif came := count_filled(work, name, "id"):
                    raise records_go(came)
                work.transaction.touched.update((name, MODEL, trash.HISTORY))
                for model in DECIDING:
                    may = self._records.policy.permission(SYSTEM, self._records.registry.get(model), "delete")
                    sql = work.prepared(model).columns_where(unique_shape("model"), ("id",))
                    for (row_id,) in work.transaction.execute(sql, {"f0": name}).fetchall():
                        work.delete(model, row_id, may)
                drop_table(work.transaction.connection, name)
                # A later model of the same name would get these changes as its own.
                work.forget_history(name)
                forget_keys(work, name)
                store_definition(work, self._records, name, None)
                self._records.shelf.epoch.moved()

            with self._records.shelf.epoch.changing():
                await self._run(actor, unit, exclusive=True)
                del self._definitions[name]
                self._metadata.remove(self._metadata.tables[name])
                self._records.registry.remove(name)
                self._records.shelf.stock()
            self._tell(name, "delete")
            return count

    async def _run(self, actor: Actor, unit: Callable[[Work, list[Any]], None], *, exclusive: bool) -> None:
        await self._records.work(actor, unit, (MODEL,), exclusive=exclusive)

    def _tell(self, name: str, verb: WriteVerb) -> None:
        """Once more, now that the model is in force: whoever keeps lists of models looks again."""
        self._records.tell(RecordChanged("models", verb, 0, None))
        log.info("model %s: %s", name, verb)

    def _leave_out_unconnected(self) -> None:
        """A model that refers to one which is not there, of a plugin that is off or gone, waits for its return."""
        registry = self._records.registry
        while lost := {
            name: field.references
            for name, definition in self._definitions.items()
            for field in definition.fields
            if field.references and field.references not in registry and field.references not in self._definitions
        }:
            for name, target in lost.items():
                log.error("the model %s can't be used now: it refers to %s, which is not there", name, target)
                del self._definitions[name]

    def _follow_registry(self) -> None:
        """Know the tables that own models may refer to: plugins bring and take theirs while the server runs."""
        present = {spec.name: spec.table for spec in self._records.registry if spec.name not in self._definitions}
        for name in set(self._metadata.tables) - set(present) - set(self._definitions):
            self._metadata.remove(self._metadata.tables[name])
        for name, table in present.items():
            if name not in self._metadata.tables:
                table.to_metadata(self._metadata)

    def _known(self, name: str) -> OwnDefinition:
        self._records.registry.get(name)
        found = self._definitions.get(name)
        if found is None:
            raise Forbidden(f"{name} belongs to the program and can't be changed.", code="not_an_own_model")
        return found

    def _check_free(self, definition: OwnDefinition) -> None:
        name = definition.name
        if name in self._records.registry:
            raise Conflict(
                f"There is a model {name} already.",
                fields={"name": FieldError("not_unique", "a model has this name already; choose another")},
            )

    def _checked_specs(self, definitions: Sequence[OwnDefinition]) -> list[ModelSpec]:
        """Their specs, which know one another. They are in the metadata then, whatever is raised."""
        errors: dict[str, FieldError] = {}
        names = {definition.name for definition in definitions}
        if len(names | set(self._definitions)) > MAX_MODELS:
            raise ValidationFailed(f"At most {MAX_MODELS} models can be made.", code="too_many_models")
        for definition in definitions:
            for field in definition.fields:
                if field.references is None or field.references in names:
                    continue
                if not can_be_referred_to(self._records.registry, field.references, definition.name):
                    errors[f"fields.{field.name}.references"] = FieldError(
                        "unknown_model", f"there is no model {field.references!r} to refer to"
                    )
        raise_for(errors)
        self._follow_registry()
        specs = [own_spec(definition, self._metadata) for definition in definitions]
        for definition, spec in zip(definitions, specs, strict=True):
            for field in definition.fields:
                try:
                    default_column(spec.fields[field.name])
                except BadValue as bad:
                    errors[f"fields.{field.name}.default"] = FieldError(bad.code, bad.message)
        raise_for(errors)
        return specs

    def _follow_definitions(self, names: Iterable[str]) -> None:
        """The metadata as it was, after models could not be put in force."""
        for name in names:
            if name in self._definitions:
                own_spec(self._definitions[name], self._metadata)
            elif name in self._metadata.tables:
                self._metadata.remove(self._metadata.tables[name])

    async def _losses(self, old: OwnDefinition, new: OwnDefinition, renamed: Mapping[str, str]) -> list[Loss]:
        losses = []
        for name, change in losing(old, new, renamed):
            records = await self._filled(old.name, name)
            if records:
                losses.append(Loss(name, change, records))
        return losses

    async def _filled(self, model: str, field: str) -> int:
        spec = self._records.registry.get(model)
        [rows] = await self._records.shelf.store.read([(filled_sql(spec.table, field), {})])
        return int(rows[0][0])


def _admins_only(actor: Actor) -> None:
    demand_admin(actor, "Only admins make and change models.")
