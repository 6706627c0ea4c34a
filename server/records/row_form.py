"""Forms of new rows: what JSON values need to become a row, prepared once for everybody with the same rights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.access.actor import Actor
from server.records.shelf import Shelf
from server.records.values import BadValue, checker, writable


class RowForm:
    """How rows of one model are made by all who have the same rights as the actor that it is made for."""

    __slots__ = ("_checked", "_defaults", "_owner_place", "_required", "columns", "kept_writable", "model", "referring",
                 "shown")  # fmt: skip

    def __init__(self, shelf: Shelf, actor: Actor, model: str) -> None:
        """Raises NotFound, Unauthorized and Forbidden as planning a create does."""
        spec = shelf.registry.get(model)
        may = shelf.policy.allow(actor, spec, "create")
        prepared = shelf.models[model]
        places = {name: place for place, name in enumerate(prepared.columns)}
        self._owner_place = places["owner_id"] if spec.owner_column == "owner_id" else None
        self.model = model
        self.columns = prepared.columns
        self.shown = shelf.shown_to(actor, spec)
        self.kept_writable = spec.options.kept_writable
        self.referring = tuple(
            name for name, _ in prepared.relations if name != "owner_id" or self._owner_place is None
        )
        """The relations whose values have to be looked for."""
        self._defaults = [prepared.defaults.get(name) for name in prepared.columns]
        self._required = frozenset(
            name
            for name, field in spec.fields.items()
            if field.info.required
            and not field.info.read_only
            and (name not in may.hidden or field.info.default is None)
        )
        self._checked = {
            name: (places[name], field, checker(field), field.nullable and not field.info.required)
            for name, field in spec.fields.items()
            if name not in may.hidden and writable(actor, field, creating=True)
        }

    def fill(self, actor: Actor, values: Mapping[str, Any]) -> list[Any] | None:
        """`values` and defaults in the order of `columns`, without id and times. None when something is wrong."""
        row = self._defaults.copy()
        try:
            for name, value in values.items():
                place, field, check, nullable = self._checked[name]
                if value is not None:
                    row[place] = check(field, value)
                elif nullable:
                    row[place] = None
                else:
                    return None
        except (KeyError, BadValue):
            return None
        if not values.keys() >= self._required:
            return None
        if self._owner_place is not None:
            row[self._owner_place] = actor.user_id
        return row


def needs_only_storing(shelf: Shelf, actor: Actor, model: str) -> bool:
    """Whether rows that `actor` makes of a model want nothing but to be stored and told as they are."""
    spec = shelf.registry.get(model)
    if (
        actor.kind == "system"
        or spec.sealed
        or spec.options.audited
        or model in shelf.behaviours
        or model in shelf.caps
    ):
        return False
    # Whoever may not read what they make is told the id alone: each row has to be looked at.
    return shelf.policy.permission(actor, spec, "read").owned_by in (None, "owner_id")
