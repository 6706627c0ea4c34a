"""The policy in force: models' defaults, access rules and groups, as permissions that compile to a WHERE clause."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from server.access.actor import READING, Actor, Role
from server.errors import Forbidden, Unauthorized
from server.models.access_rule import ANY_VERB
from server.models.base import EXTENTS, VERBS, WRITES, Extent, Verb
from server.models.labels import in_sentence
from server.models.registry import ModelSpec, unknown_model


@dataclass(frozen=True, slots=True)
class Permission:
    """How far an actor may go with a verb on a model."""

    extent: Extent
    owned_by: str | None
    """The column that must be the actor's id; None where all rows are theirs to use."""
    hidden: frozenset[str]
    """Fields that they may not see, or for a change may not send."""
    shown: tuple[str, ...]
    """The fields of a row that they see."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One reason for a permission."""

    source: str
    """A sentence part: `the role member`, `the group editors`."""
    extent: Extent
    hidden: frozenset[str] = frozenset()
    rule_id: int | None = None
    """The access rule, or None for the model's own default."""


@dataclass(frozen=True, slots=True)
class Stand:
    """What the defaults and the rules say of one role or group, one model and one verb."""

    extent: Extent
    default: Extent | None
    """What the model says without a rule; None for a group, which says nothing then."""
    rule_id: int | None
    rule_verb: str | None
    hidden: frozenset[str]
    most: Extent
    """How far a rule can reach."""


@dataclass(frozen=True, slots=True)
class _Rule:
    rule_id: int
    verb: str
    extent: Extent
    hidden: frozenset[str]


ROLE, GROUP = "role", "group"
Subject = tuple[str, str | int]
"""`(ROLE, "member")` or `(GROUP, 3)`."""


class Policy:
    """Answers what an actor may do. `load` replaces the rules at once; permissions are remembered until then."""

    def __init__(self, is_on: Callable[[str], bool] = lambda _setting: False) -> None:
        """`is_on`: whether a setting is on that opens a model; `forget` when one changes."""
        self._is_on = is_on
        self._rules: dict[tuple[Subject, str, str], _Rule] = {}
        self._groups: dict[int, tuple[int, ...]] = {}
        self._group_names: dict[int, str] = {}
        self._known: dict[tuple[Any, ...], Permission] = {}
        self.version = 0
        """How often permissions had to be worked out anew."""

    def load(
        self,
        rules: Iterable[Mapping[str, Any]],
        groups: Iterable[Mapping[str, Any]],
        members: Iterable[Mapping[str, Any]],
    ) -> None:
        """Put the rows of `access_rules`, `groups` and `group_members` in force."""
        self._rules = {
            (_subject(row), row["model"], row["verb"]): _Rule(
                row["id"], row["verb"], row["extent"], frozenset(row["hidden_fields"] or ())
            )
            for row in rules
        }
        self._group_names = {row["id"]: row["name"] for row in groups}
        of_person: dict[int, list[int]] = {}
        for row in members:
            of_person.setdefault(row["user_id"], []).append(row["group_id"])
        self._groups = {user: tuple(sorted(found)) for user, found in of_person.items()}
        self.forget()

    def groups_of(self, actor: Actor) -> tuple[int, ...]:
        """The ids of the groups that `actor` is in."""
        return self._groups.get(actor.user_id, ()) if actor.user_id is not None else ()

    def hidden_of(self, model: str) -> frozenset[str]:
        """The fields that any rule about a model hides, also such as were dropped since."""
        return frozenset(name for (_, of, _), rule in self._rules.items() if of == model for name in rule.hidden)

    def forget(self) -> None:
        """Work every permission out anew: models have changed."""
        self._known.clear()
        self.version += 1

    def group_names(self, user_id: int) -> Iterator[str]:
        """The names of the groups that a person is in."""
        return (self._group_names[group] for group in self._groups.get(user_id, ()) if group in self._group_names)

    def groups(self) -> Mapping[int, str]:
        """The names of all groups by their ids."""
        return self._group_names

    def stand(self, subject: Subject, spec: ModelSpec, verb: Verb) -> Stand:
        """What `subject` is given for `verb`, by the words of `grants`."""
        kind, which = subject
        role = cast(Role, which) if kind == ROLE else "member"
        default = self._default(Actor("user", role=role), spec, verb)
        rule = self._rule(subject, spec, verb)
        # A group adds to what its people's roles give, and those who are guests have less of it.
        most: Extent = "none" if verb not in spec.options.verbs else default if spec.options.holds(verb) else "all"
        said = rule.extent if rule is not None else default if kind == ROLE else "none"
        return Stand(
            min(said, most, key=EXTENTS.index),
            default if kind == ROLE else None,
            rule.rule_id if rule else None,
            rule.verb if rule else None,
            rule.hidden if rule else frozenset(),
            most,
        )

    def standing(self, actor: Actor) -> Hashable:
        """All of `actor` that decides over permissions: whoever has the same standing may do the same."""
        groups = self.groups_of(actor)
        by_hand = actor.kind == "user"
        return (actor.kind == "system", by_hand, actor.is_app, actor.role, groups, actor.user_id is None, actor.scopes)

    def permission(self, actor: Actor, spec: ModelSpec, verb: Verb) -> Permission:
        """What `actor` may do, the extent `none` included. Raises nothing."""
        key = (self.standing(actor), spec.name, verb)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._work_out(actor, spec, verb)
        return known

    def allow(self, actor: Actor, spec: ModelSpec, verb: Verb) -> Permission:
        """The permission to go on with. Raises Unauthorized for nobody, Forbidden for somebody who may not."""
        if actor.kind == "anonymous":
            raise Unauthorized("Sign in, or send a token: Authorization: Bearer gb_…")
        found = self.permission(actor, spec, verb)
        if found.extent == "none":
            if not self.may_know_of(actor, spec):
                raise unknown_model(spec.name)
            if verb not in spec.options.verbs and actor.kind != "system":
                raise Forbidden(f"{spec.options.label_plural} can't be changed this way.", code="verb_not_offered")
            if spec.options.by_hand and verb in WRITES and actor.kind != "user" and actor.is_admin:
                message = f"{spec.options.label_plural} are changed by people who are signed in, not with a token."
                raise Forbidden(message, code="session_required")
            raise Forbidden(f"You may not {verb} {in_sentence(spec.options.label_plural)}.")
        return found

    def known_fields(self, actor: Actor, spec: ModelSpec) -> frozenset[str]:
        """The fields that `actor` may know of, for they can use them with some verb."""
        usable = [may for verb in VERBS if (may := self.permission(actor, spec, verb)).extent != "none"]
        return frozenset(name for name in spec.fields if any(name not in may.hidden for may in usable))

    def may_know_of(self, actor: Actor, spec: ModelSpec) -> bool:
        """Whether `actor` may hear the name of a model: of those that were made here, of which they can use a field."""
        return not spec.options.made_here or bool(self.known_fields(actor, spec))

    def noun(self, actor: Actor, spec: ModelSpec) -> str:
        """What a record of a model is called in a sentence to `actor`."""
        return in_sentence(spec.options.label) if self.may_know_of(actor, spec) else "record"

    def grants(self, actor: Actor, spec: ModelSpec, verb: Verb) -> list[Grant]:
        """Everything that speaks for or against `actor`, the role first."""
        if actor.kind == "system":
            return [Grant("the program itself", "all")]
        if spec.options.by_hand and verb in WRITES and actor.kind != "user":
            return [Grant("no session: only people who are signed in change these", "none")]
        if actor.is_app and actor.role == "admin" and spec.options.group == "system" and verb not in READING:
            # What decides over this server and its people is changed by a person, not by an app of theirs.
            return [Grant("an app: as a member", self._default(replace(actor, role="member"), spec, verb))]
        if actor.role == "admin":
            offered = verb in spec.options.verbs
            return [Grant("the role admin" if offered else "nobody: the model does not offer it",
                          "all" if offered else "none")]  # fmt: skip
        found = [self._role_grant(actor, spec, verb)]
        for group in self._groups.get(actor.user_id or 0, ()):
            rule = self._rule((GROUP, group), spec, verb)
            if rule is not None:
                name = self._group_names.get(group, str(group))
                found.append(Grant(f"the group {name}", rule.extent, rule.hidden, rule.rule_id))
        if verb not in spec.options.verbs:
            found = [Grant(grant.source, "none") for grant in found]
        if spec.options.holds(verb):
            # Whoever could change these, or see the private ones, could have everything; the defaults alone count.
            default = self._default(actor, spec, verb)
            found = [Grant(grant.source, min(grant.extent, default, key=EXTENTS.index), grant.hidden,
                           grant.rule_id) for grant in found]  # fmt: skip
        return found

    def _role_grant(self, actor: Actor, spec: ModelSpec, verb: Verb) -> Grant:
        source = f"the role {actor.role}" if actor.role else "no role"
        rule = self._rule((ROLE, actor.role or ""), spec, verb)
        if rule is not None:
            return Grant(source, rule.extent, rule.hidden, rule.rule_id)
        return Grant(source, self._default(actor, spec, verb))

    def _default(self, actor: Actor, spec: ModelSpec, verb: Verb) -> Extent:
        opened_by = spec.options.opened_by
        if opened_by is not None and actor.role != "admin" and not self._is_on(opened_by):
            return "none"
        return spec.rules_for(actor.role)[verb]

    def _rule(self, subject: Subject, spec: ModelSpec, verb: Verb) -> _Rule | None:
        return self._rules.get((subject, spec.name, verb)) or self._rules.get((subject, spec.name, ANY_VERB))

    def _work_out(self, actor: Actor, spec: ModelSpec, verb: Verb) -> Permission:
        if actor.kind != "system" and not actor.covers(verb, spec.name):
            return _permission(spec, "none", frozenset())
        grants = self.grants(actor, spec, verb)
        extent = max((grant.extent for grant in grants), key=EXTENTS.index)
        if extent == "own" and verb != "create" and (spec.owner_column is None or actor.user_id is None):
            extent = "none"
        # A field is shown only if a grant as wide as the permission shows it: another may cover fewer rows.
        masks = [grant.hidden for grant in grants if grant.extent == extent]
        return _permission(spec, extent, frozenset.intersection(*masks) if masks else frozenset())


def _permission(spec: ModelSpec, extent: Extent, hidden: frozenset[str]) -> Permission:
    hidden = hidden & frozenset(spec.fields) - {"id"}
    shown = tuple(name for name in spec.shown if name not in hidden)
    return Permission(extent, spec.owner_column if extent == "own" else None, hidden, shown)


def _subject(row: Mapping[str, Any]) -> Subject:
    return (GROUP, int(row["group_id"])) if row["group_id"] is not None else (ROLE, str(row["role"] or ""))


def offered_extents(policy: Policy, actor: Actor, spec: ModelSpec) -> dict[Verb, Extent]:
    """What `actor` may do with `spec`, verb by verb."""
    return {verb: policy.permission(actor, spec, verb).extent for verb in VERBS}
