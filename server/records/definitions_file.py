"""The definitions of own models as one JSON file: written, compared with what is here, and taken over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import MetaData

from server.access.actor import Actor
from server.errors import Conflict, FieldError, ValidationFailed
from server.models.own_definition import OwnDefinition, own_spec
from server.models.registry import ModelRegistry
from server.records.own_edit import can_be_referred_to, parsed_definition
from server.records.own_losses import Loss
from server.records.own_models import OwnModels
from server.records.values import BadValue, default_column

FORMAT = "gridbear-models"
VERSION = 1


@dataclass(frozen=True, slots=True)
class FieldChange:
    """How one field of a model differs."""

    name: str
    change: Literal["added", "removed", "changed"]
    parts: tuple[str, ...] = ()
    """Of a changed field: what of its declaration."""


@dataclass(frozen=True, slots=True)
class Step:
    """What taking over the file does to one model."""

    model: str
    label: str
    action: Literal["create", "change", "none"]
    parts: tuple[str, ...] = ()
    """Of a changed model: what of its declaration, fields aside; `order` when only their order differs."""
    fields: tuple[FieldChange, ...] = ()
    losses: tuple[Loss, ...] = ()


class DefinitionsFile:
    """Only admins write and take over definitions. Models that the file does not name stay as they are."""

    def __init__(self, own: OwnModels, registry: ModelRegistry) -> None:
        self._own = own
        self._registry = registry

    def written(self, actor: Actor, names: frozenset[str] | None = None) -> dict[str, Any]:
        """The file of all own models, or of those named. Raises Forbidden, NotFound."""
        known = self._own.definitions(actor)
        chosen = known if names is None else {name: self._own.definition(actor, name) for name in sorted(names)}
        models = [known[name].model_dump() for name in _in_order({name: known[name] for name in chosen})]
        return {"format": FORMAT, "version": VERSION, "models": models}

    async def plan(self, actor: Actor, given: Mapping[str, Any]) -> list[Step]:
        """What `take_over` would do. Raises Forbidden, and ValidationFailed naming each bad place of the file."""
        known = self._own.definitions(actor)
        definitions = self._read(given, known)
        steps = []
        for name in _in_order(definitions):
            new, old = definitions[name], known.get(name)
            if old is None:
                steps.append(Step(name, new.label_plural or new.label, "create"))
            else:
                steps.append(await self._compared(actor, old, new))
        return steps

    async def take_over(self, actor: Actor, given: Mapping[str, Any], *, confirmed: bool = False) -> list[Step]:
        """Make the models that are missing and change those that differ.

        All of it is done or nothing. Raises as `plan` does, and Conflict: `confirmation_needed` when values would be
        lost, and naming the model whose records do not fit.
        """
        steps = await self.plan(actor, given)
        losing = [step.model for step in steps if step.losses]
        if losing and not confirmed:
            raise Conflict(
                f"Values of {', '.join(losing)} would be lost. Look with dry_run=true, repeat it with confirm=true.",
                code="confirmation_needed",
            )
        definitions = self._read(given, self._own.definitions(actor))
        wanted = [definitions[step.model] for step in steps if step.action != "none"]
        if wanted:
            await self._own.take_over(actor, wanted, confirmed=confirmed)
        return steps

    def _read(self, given: Mapping[str, Any], known: Mapping[str, OwnDefinition]) -> dict[str, OwnDefinition]:
        """The definitions of a file by name. Raises ValidationFailed naming the place of each error."""
        if given.get("format") != FORMAT:
            message = f"this is no file of model definitions, whose format is {FORMAT!r}"
            raise ValidationFailed.of("format", "unknown_format", message)
        if given.get("version") != VERSION:
            raise ValidationFailed.of("version", "unknown_version", f"only version {VERSION} can be read")
        models = given.get("models")
        if not isinstance(models, list) or not models:
            raise ValidationFailed.of("models", "no_models", "a list of at least one definition is wanted")
        errors: dict[str, FieldError] = {}
        found: dict[str, OwnDefinition] = {}
        places: dict[str, str] = {}
        for at, one in enumerate(models):
            place = f"models.{at}"
            if not isinstance(one, dict):
                errors[place] = FieldError("not_an_object", "a definition is an object")
                continue
            try:
                definition = parsed_definition(one)
            except ValidationFailed as error:
                errors |= {f"{place}.{name}": told for name, told in error.fields.items()}
                continue
            if definition.name in found:
                errors[f"{place}.name"] = FieldError("not_unique", f"{definition.name} is in the file twice")
            found[definition.name], places[definition.name] = definition, place
        for name, definition in found.items():
            errors |= {f"{places[name]}.{part}": told for part, told in self._unfit(definition, found, known).items()}
        if errors:
            raise ValidationFailed(
                "; ".join(f"{place}: {told.message}" for place, told in errors.items()), fields=errors
            )
        return found

    def _unfit(
        self, definition: OwnDefinition, found: Mapping[str, OwnDefinition], known: Mapping[str, OwnDefinition]
    ) -> dict[str, FieldError]:
        """What a definition that is sound by itself has wrong here and in this file, by place in it."""
        name = definition.name
        here = self._registry.get(name) if name in self._registry else None
        if here is not None and not here.options.made_here:
            return {"name": FieldError("not_an_own_model", f"{name} belongs to the program or a plugin")}
        errors = {}
        for at, field in enumerate(definition.fields):
            target = field.references
            if target and target not in found and not can_be_referred_to(self._registry, target, name):
                errors[f"fields.{at}.references"] = FieldError(
                    "unknown_model", f"there is no model {target!r} to refer to, here or in the file"
                )
        spec = own_spec(definition, MetaData())
        for at, field in enumerate(definition.fields):
            try:
                default_column(spec.fields[field.name])
            except BadValue as bad:
                errors[f"fields.{at}.default"] = FieldError(bad.code, bad.message)
        if name in known and known[name].owned != definition.owned:
            errors["owned"] = FieldError("read_only", "whether records have owners is fixed once the model is made")
        return errors

    async def _compared(self, actor: Actor, old: OwnDefinition, new: OwnDefinition) -> Step:
        was, now = old.model_dump(), new.model_dump()
        parts = [part for part in was if part != "fields" and was[part] != now[part]]
        before = {field["name"]: field for field in was["fields"]}
        after = {field["name"]: field for field in now["fields"]}
        fields = [FieldChange(name, "removed") for name in before if name not in after]
        for name, field in after.items():
            if name not in before:
                fields.append(FieldChange(name, "added"))
            elif changed := tuple(part for part in field if field[part] != before[name][part]):
                fields.append(FieldChange(name, "changed", changed))
        if not fields and list(before) != list(after):
            parts.append("order")
        step = Step(old.name, new.label_plural or new.label, "none")
        if not parts and not fields:
            return step
        losses = await self._own.losses(actor, old.name, now) if fields else []
        return replace(step, action="change", parts=tuple(parts), fields=tuple(fields), losses=tuple(losses))


def _in_order(definitions: Mapping[str, OwnDefinition]) -> list[str]:
    """Names, what is referred to first; a circle is cut where it closes."""
    order: list[str] = []
    open_: set[str] = set()

    def visit(name: str) -> None:
        if name in order or name in open_:
            return
        open_.add(name)
        for field in definitions[name].fields:
            if field.references in definitions:
                visit(str(field.references))
        order.append(name)

    for name in sorted(definitions):
        visit(name)
    return order
