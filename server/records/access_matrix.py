"""What every role and group may do with every model: the whole policy as one table, for admins."""

from __future__ import annotations

from typing import Any

from server.access.actor import ROLES, Actor
from server.access.demands import demand_admin
from server.access.policy import GROUP, ROLE, Stand, Subject
from server.models.access_rule import ANY_VERB
from server.models.base import VERBS, Extent, Verb
from server.models.registry import ModelSpec
from server.records.service import Records


def access_matrix(records: Records, actor: Actor) -> dict[str, Any]:
    """`{subjects: [{key, kind, role | id, name}], models: [{name, …, access: {key: {verb: {…}}}}]}`.

    A cell says the `extent` in force, the model's `default` (None for groups, which only add), the `rule_id` that
    decides (None for the default), whether that is a rule for `any` verb, its `hidden_fields`, and the `most` that a
    rule may give. Admins are no subject: no rule binds them. Raises Forbidden for all but admins.
    """
    demand_admin(actor, "Only admins see what everybody may do.", "api:read")
    subjects: list[Subject] = [(ROLE, role) for role in ROLES if role != "admin"]
    subjects += [(GROUP, group) for group in records.policy.groups()]
    return {
        "subjects": [_subject(records, subject) for subject in subjects],
        "models": [_model(records, spec, subjects) for spec in records.registry if spec.options.verbs],
    }


def _subject(records: Records, subject: Subject) -> dict[str, Any]:
    kind, which = subject
    if kind == ROLE:
        return {"key": _key(subject), "kind": "role", "role": which, "name": which}
    return {"key": _key(subject), "kind": "group", "id": which, "name": records.policy.groups()[int(which)]}


def _key(subject: Subject) -> str:
    return f"{subject[0]}:{subject[1]}"


def _model(records: Records, spec: ModelSpec, subjects: list[Subject]) -> dict[str, Any]:
    return {
        "name": spec.name,
        "label_plural": spec.options.label_plural,
        "group": spec.options.group,
        "owner_column": spec.owner_column,
        "verbs": list(spec.options.verbs),
        "access": {
            _key(subject): {verb: _cell(records.policy.stand(subject, spec, verb), spec, verb) for verb in VERBS}
            for subject in subjects
        },
    }


def _cell(stand: Stand, spec: ModelSpec, verb: Verb) -> dict[str, Any]:
    extent: Extent = stand.extent
    if extent == "own" and verb != "create" and spec.owner_column is None:
        extent = "none"
    return {
        "extent": extent,
        "default": stand.default,
        "rule_id": stand.rule_id,
        "any": stand.rule_verb == ANY_VERB,
        "hidden_fields": sorted(stand.hidden),
        "most": stand.most,
    }
