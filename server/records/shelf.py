"""What every part of the records service shares: models with their statements, behaviours, rules and caps."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from server.access.actor import Actor
from server.access.policy import Policy
from server.config import SettingsHolder
from server.db.file_reach import FileReach, Holder
from server.db.made_indexes import MADE_SQL, Fields, by_table
from server.db.statements import Expansion
from server.db.store import Store
from server.db.transaction import Transaction
from server.events.bus import RecordChanged
from server.models.registry import ModelRegistry, ModelSpec
from server.models.stored_file import FILES_TABLE
from server.records.behaviour import Behaviour
from server.records.log_cap import LogCap
from server.records.prepared import PreparedModel
from server.records.steady import Epoch
from server.records.times import to_text
from server.secrets.vault import Vault

NEUTRAL = Behaviour()
EXPIRED_AT_ONCE = 500
"""So many rows of a log are forgotten in one transaction, so that other writers come in between."""
FILE_FIELDS = ("id", "name", "content_type", "size")
"""What a record tells of a file that it refers to."""

Outbox = Callable[[Transaction, Sequence[RecordChanged]], list[RecordChanged]]
"""Stores what others are to be told of changes, in the very transaction of the changes. Returns its own changes."""


@dataclass(frozen=True, slots=True)
class Referrer:
    """A column that refers to a model, and what becomes of its rows when the target goes."""

    model: str
    column: str
    on_delete: str


class Shelf:
    """Stocked again whenever models come or go, so that no statement outlives its table."""

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
        self.epoch = Epoch()
        self.outbox: Outbox | None = None
        self.held: frozenset[str] = frozenset()
        """Models that one in the making refers to: nobody may take them out of force now."""
        self.stock()

    def stock(self) -> None:
        """Prepare what came to the registry or changed there, and forget what went."""
        made = self.made_indexes()
        self.models = {spec.name: self._prepared(spec) for spec in self.registry}
        for name, prepared in self.models.items():
            # Also lists of what did not change: they may look into tables that have other indexes now.
            prepared.indexed(made.get(name, ()))
        self.caps = {
            name: self.caps.get(name) or LogCap(prepared.spec)
            for name, prepared in self.models.items()
            if prepared.spec.options.log_cap_setting
        }
        self.referrers = _referrers(self.registry)
        self.policy.forget()

    @contextlib.contextmanager
    def holding(self, models: Iterable[str]) -> Iterator[None]:
        """Around the making of a model that refers to `models`. Only one caller at a time."""
        self.held = frozenset(models)
        try:
            yield
        finally:
            self.held = frozenset()

    def made_indexes(self) -> dict[str, tuple[Fields, ...]]:
        """The indexes that admins have made, by table."""
        return by_table(str(name) for (name,) in self.store.read_now(MADE_SQL, {}))

    def cap_of(self, model: str) -> int:
        """The bytes that a log-like model may take now."""
        return int(getattr(self.settings.current, self.models[model].spec.options.log_cap_setting or ""))

    async def expire(self, model: str, days: float, now: datetime | None = None) -> int:
        """Forget the rows of a log that are older than so many days, a part at a time. Returns how many went."""
        cap = self.caps[model]
        before = to_text((now or datetime.now(UTC)) - timedelta(days=days))
        gone, part = 0, EXPIRED_AT_ONCE
        while part == EXPIRED_AT_ONCE:
            part = await self.store.write(
                lambda transaction: cap.expire(transaction, before, EXPIRED_AT_ONCE), (model,)
            )
            gone += part
        return gone

    def posted(self, transaction: Transaction, events: Sequence[RecordChanged]) -> list[RecordChanged]:
        """Give changes to the outbox, if there is one, inside their transaction. Returns the changes that it made."""
        return self.outbox(transaction, events) if self.outbox is not None and events else []

    def behaviour(self, model: str) -> Behaviour:
        """The behaviour of a model, the neutral one if it has none of its own."""
        return self.behaviours.get(model, NEUTRAL)

    def expansions(self, actor: Actor, spec: ModelSpec, names: tuple[str, ...]) -> tuple[Expansion, ...]:
        """The relations `names` of a row, each as far as `actor` may read its target."""
        found = []
        for name in names:
            target = self.registry.get(spec.fields[name].references or "")
            may = self.policy.permission(actor, target, "read")
            if target.name == FILES_TABLE:
                shown = tuple(known for known in FILE_FIELDS if known in may.shown)
                address = f"{self.settings.current.base_path}/api/v1/{FILES_TABLE}/"
                found.append(Expansion(name, target.table, shown, reach=self.file_reach(actor), address=address))
                continue
            found.append(Expansion(name, target.table, may.shown, may.owned_by, may.extent == "none"))
        return tuple(found)

    def file_reach(self, actor: Actor) -> FileReach:
        """The files that `actor` may read: their own, and those of records that they may read. Decided here alone."""
        may = self.policy.permission(actor, self.registry.get(FILES_TABLE), "read")
        holders = []
        for referrer in self.referrers.get(FILES_TABLE, ()):
            reading = self.policy.permission(actor, self.registry.get(referrer.model), "read")
            if reading.extent != "none" and referrer.column in reading.shown:
                holders.append(Holder(referrer.model, referrer.column, reading.owned_by))
        return FileReach(may.extent == "all", may.extent == "own", tuple(holders))

    def shown_to(self, actor: Actor, spec: ModelSpec) -> tuple[str, ...]:
        """The fields that `actor` gets back of a record that they have just written."""
        may = self.policy.permission(actor, spec, "read")
        return may.shown if may.extent != "none" else ("id",)

    def unknown_to(self, actor: Actor, spec: ModelSpec) -> frozenset[str]:
        """The fields of a model that `actor` may not know of."""
        return frozenset(spec.fields) - self.policy.known_fields(actor, spec)

    def _prepared(self, spec: ModelSpec) -> PreparedModel:
        known = self.models.get(spec.name)
        # A changed model has another spec. What a statement takes from other models is part of what it is kept under.
        return known if known is not None and known.spec is spec else PreparedModel(spec, self.store, self.vault)


def _referrers(registry: ModelRegistry) -> dict[str, tuple[Referrer, ...]]:
    found: dict[str, list[Referrer]] = {}
    for spec in registry:
        for key in spec.table.foreign_keys:
            referrer = Referrer(spec.name, str(key.parent.name), key.ondelete or "RESTRICT")
            found.setdefault(str(key.column.table.name), []).append(referrer)
    return {name: tuple(referrers) for name, referrers in found.items()}
