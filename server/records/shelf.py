"""What every part of the records service shares: models with their statements, behaviours, rules and caps."""

from __future__ import annotations

from dataclasses import dataclass

from server.access.actor import Actor
from server.access.policy import Policy
from server.config import SettingsHolder
from server.db.statements import Expansion
from server.db.store import Store
from server.models.registry import ModelRegistry, ModelSpec
from server.records.behaviour import Behaviour
from server.records.log_cap import LogCap
from server.records.prepared import PreparedModel
from server.secrets.vault import Vault

NEUTRAL = Behaviour()


@dataclass(frozen=True, slots=True)
class Referrer:
    """A column that refers to a model, and what becomes of its rows when the target goes."""

    model: str
    column: str
    on_delete: str


class Shelf:
    """Rebuilt as a whole when models come or go, so that no statement outlives its table."""

    def __init__(
        self, store: Store, registry: ModelRegistry, policy: Policy, settings: SettingsHolder, vault: Vault
    ) -> None:
        self.store = store
        self.registry = registry
        self.policy = policy
        self.settings = settings
        self.vault = vault
        self.behaviours: dict[str, Behaviour] = {}
        self.models: dict[str, PreparedModel] = {}
        self.caps: dict[str, LogCap] = {}
        self.referrers: dict[str, tuple[Referrer, ...]] = {}
        self.stock()

    def stock(self) -> None:
        """Prepare every model of the registry anew."""
        self.models = {spec.name: PreparedModel(spec, self.store, self.vault) for spec in self.registry}
        self.caps = {
            name: self.caps.get(name) or LogCap(prepared)
            for name, prepared in self.models.items()
            if prepared.spec.options.log_cap_setting
        }
        self.referrers = _referrers(self.registry)
        self.policy.forget()

    def behaviour(self, model: str) -> Behaviour:
        """The behaviour of a model, the neutral one if it has none of its own."""
        return self.behaviours.get(model, NEUTRAL)

    def expansions(self, actor: Actor, spec: ModelSpec, names: tuple[str, ...]) -> tuple[Expansion, ...]:
        """The relations `names` of a row, each as far as `actor` may read its target."""
        found = []
        for name in names:
            target = self.registry.get(spec.fields[name].references or "")
            may = self.policy.permission(actor, target, "read")
            found.append(Expansion(name, target.table, may.shown, may.owned_by, may.extent == "none"))
        return tuple(found)

    def shown_to(self, actor: Actor, spec: ModelSpec) -> tuple[str, ...]:
        """The fields that `actor` gets back of a record that they have just written."""
        may = self.policy.permission(actor, spec, "read")
        return may.shown if may.extent != "none" else ("id",)


def _referrers(registry: ModelRegistry) -> dict[str, tuple[Referrer, ...]]:
    found: dict[str, list[Referrer]] = {}
    for spec in registry:
        for key in spec.table.foreign_keys:
            referrer = Referrer(spec.name, str(key.parent.name), key.ondelete or "RESTRICT")
            found.setdefault(str(key.column.table.name), []).append(referrer)
    return {name: tuple(referrers) for name, referrers in found.items()}
