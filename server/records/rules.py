"""Access rules and groups as records: what makes sense, and how they come into force."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.access.actor import ROLES, SYSTEM, Actor
from server.access.policy import Policy
from server.db.transaction import Transaction
from server.errors import Conflict, FieldError, ValidationFailed
from server.events.bus import Bus
from server.models.access_rule import ANY_VERB, same_rules_sql
from server.models.base import EXTENTS, VERBS, WriteVerb
from server.models.labels import in_sentence
from server.models.registry import ModelRegistry
from server.records.behaviour import Behaviour, Prepared
from server.records.reading import Reading

RULES, GROUPS, MEMBERS = "access_rules", "groups", "group_members"
FEEDING = frozenset((RULES, GROUPS, MEMBERS))
"""Models whose changes change what people may do."""


class AccessRuleBehaviour(Behaviour):
    """A rule is for a role or for a group, names a model that exists, and is the only one for its case."""

    def __init__(self, registry: ModelRegistry, policy: Policy) -> None:
        self._registry = registry
        self._policy = policy
        self._same_rules = same_rules_sql()

    async def prepare(self, actor: Actor, columns: dict[str, Any], *, record_id: int | None) -> Prepared:
        role = columns.get("role")
        if role is not None and role not in ROLES:
            raise ValidationFailed.of("role", "unknown_role", f"one of {', '.join(ROLES)} is wanted")
        if role == "admin":
            raise ValidationFailed.of("role", "not_possible", "admins may do everything; rules don't bind them")
        if "model" in columns and columns["model"] not in self._registry:
            raise ValidationFailed.of("model", "unknown_model", f"there is no model {columns['model']!r}")
        return Prepared(columns)

    def settle(self, transaction: Transaction, verb: WriteVerb, record_id: int, row: Mapping[str, Any] | None) -> None:
        if row is None:
            return
        if (row["role"] is None) == (row["group_id"] is None):
            error = FieldError("one_of_two", "a rule is for a role or for a group: give one of the two")
            raise ValidationFailed(f"role, group_id: {error.message}.", fields={"role": error, "group_id": error})
        self._check_held(row)
        # A field that was dropped stays hidden, for it may come again, and its history with it.
        known = self._registry.get(row["model"]).fields.keys() | self._policy.hidden_of(row["model"])
        unknown = [name for name in row["hidden_fields"] if name not in known]
        if unknown:
            raise ValidationFailed.of("hidden_fields", "unknown_field", f"{row['model']} has no {', '.join(unknown)}")
        if "id" in row["hidden_fields"]:
            raise ValidationFailed.of("hidden_fields", "not_possible", "the id is always shown")
        case = {name: row[name] for name in ("role", "group_id", "model", "verb")}
        same = [found for (found,) in transaction.execute(self._same_rules, case).fetchall() if found != record_id]
        if same:
            raise Conflict("There is a rule for this already; change that one.", code="rule_exists")

    def _check_held(self, row: Mapping[str, Any]) -> None:
        """Nobody is to think that they opened what no rule opens."""
        spec = self._registry.get(row["model"])
        verbs = VERBS if row["verb"] == ANY_VERB else (row["verb"],)
        if not all(map(spec.options.holds, verbs)):
            return
        roles = (row["role"],) if row["role"] is not None else tuple(role for role in ROLES if role != "admin")
        widest = max(EXTENTS.index(spec.rules_for(role)[verb]) for role in roles for verb in verbs)
        if EXTENTS.index(row["extent"]) > widest:
            what = "" if spec.options.private else f" {row['verb']} of"
            message = (
                f"no rule opens{what} {in_sentence(spec.options.label_plural)} further: {EXTENTS[widest]} is the most"
            )
            raise ValidationFailed.of("extent", "not_possible", message)


def keep_in_force(policy: Policy, records: Reading, bus: Bus) -> None:
    """Load the rules, now and after every change of them, before the change is answered."""

    def load() -> None:
        policy.load(*(records.all_now(SYSTEM, model) for model in (RULES, GROUPS, MEMBERS)))

    bus.subscribe(lambda _event: load(), FEEDING)
    load()
