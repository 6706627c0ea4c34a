"""Decisions: how far an actor may go with a verb on a model."""

from __future__ import annotations

from server.access.actor import Actor
from server.errors import Forbidden, Unauthorized
from server.models.base import Extent, Verb
from server.models.registry import ModelSpec


def extent_of(actor: Actor, spec: ModelSpec, verb: Verb) -> Extent:
    """`none`, `own` or `all`: what the actor's role may do, cut down to what the credential covers."""
    if actor.kind == "system":
        return "all"
    wanted = "api:read" if verb in ("list", "read") else "api"
    if not actor.has_scope("api" if wanted == "api" else "api:read"):
        return "none"
    extent = spec.rules_for(actor.role)[verb]
    if extent == "own" and verb != "create" and (spec.owner_column is None or actor.user_id is None):
        return "none"
    return extent


def allow(actor: Actor, spec: ModelSpec, verb: Verb) -> str | None:
    """The column that must equal the actor's id, or None where all rows are theirs to `verb`.

    Raises Unauthorized for nobody, Forbidden for somebody who may not.
    """
    if actor.kind == "anonymous":
        raise Unauthorized("Sign in, or send a token: Authorization: Bearer gb_…")
    extent = extent_of(actor, spec, verb)
    if extent == "none":
        if verb not in spec.options.verbs and actor.kind != "system":
            raise Forbidden(f"{spec.options.label_plural} can't be changed this way.", code="verb_not_offered")
        raise Forbidden(f"You may not {verb} {spec.options.label_plural.lower()}.")
    return spec.owner_column if extent == "own" else None
