"""Which models have tools: the model's own default, and what an admin decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from server.access.actor import SYSTEM, Actor
from server.errors import ValidationFailed
from server.events.bus import Bus
from server.models.registry import ModelRegistry, ModelSpec
from server.records.behaviour import Behaviour, Prepared
from server.records.service import Records

MODEL = "record_tools"


@dataclass(frozen=True, slots=True)
class Switch:
    """What of a model is offered at most."""

    reading: bool
    writing: bool
    deleting: bool


_OFF = Switch(False, False, False)
_DEFAULT = Switch(True, True, False)


class Switches:
    """The switches in force; `version` counts their changes."""

    def __init__(self, records: Records, bus: Bus) -> None:
        self._records = records
        self._decided: dict[str, Switch] = {}
        self.version = 0
        self.stop: Callable[[], None] = bus.subscribe(lambda _event: self.load(), (MODEL,))

    def load(self) -> None:
        """Put what is stored in force."""
        rows = self._records.all_now(SYSTEM, MODEL)
        self._decided = {row["model"]: Switch(row["reading"], row["writing"], row["deleting"]) for row in rows}
        self.version += 1

    def of(self, spec: ModelSpec) -> Switch:
        """The switch of a model."""
        if spec.tools == "never":
            return _OFF
        return self._decided.get(spec.name) or (_DEFAULT if spec.tools == "on" else _OFF)


class RecordToolsBehaviour(Behaviour):
    """A switch is for a model that may have tools at all."""

    def __init__(self, registry: ModelRegistry) -> None:
        self._registry = registry

    async def prepare(self, actor: Actor, columns: dict[str, Any], *, record_id: int | None) -> Prepared:
        name = columns.get("model")
        if name is not None:
            if name not in self._registry:
                raise ValidationFailed.of("model", "unknown_model", f"there is no model {name!r}")
            if self._registry.get(name).tools == "never":
                reason = "it decides who may do what, or holds what signs people in: it is never offered as tools"
                raise ValidationFailed.of("model", "never_tools", reason)
        return Prepared(columns)
