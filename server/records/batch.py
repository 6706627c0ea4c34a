"""Several changes of any models as one: all of them or none, later ones naming results of earlier ones."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import orjson

from server.access.actor import Actor
from server.errors import FieldError, GridBearError, ValidationFailed
from server.models.registry import ModelSpec
from server.records.planning import (
    Planned,
    Reference,
    Result,
    plan_change,
    plan_create,
    plan_delete,
    plan_upsert,
)
from server.records.rehearsal import rehearsed
from server.records.service import Records
from server.records.steady import steady_write
from server.records.under_way import UnderWay
from server.records.values import INTEGER_MAX
from server.records.work import IfMatch, Work

MAX_OPERATIONS = 1000
VERBS = ("create", "upsert", "update", "replace", "delete")
_KEYS = frozenset(("verb", "model", "id", "values", "if_match", "key"))
_REFERENCE = re.compile(r"(\d{1,4})\.([a-z_][a-z0-9_]*)")
_BREATH = 50
"""Operations planned before the event loop may see to others."""


class Beside(Protocol):
    """What else is done in the transaction of a batch."""

    def before(self, work: Work) -> None: ...

    def after(self, work: Work, models: Sequence[str], results: Sequence[Result]) -> None: ...


@steady_write
async def run_batch(
    records: Records,
    actor: Actor,
    operations: Sequence[Any],
    *,
    dry_run: bool = False,
    beside: tuple[str, Beside] | None = None,
) -> list[Result]:
    """Run all `operations` in one unit of work. Raises what the first bad one raises, naming it.

    `beside` is done in its transaction, with the model that it changes.
    """
    if not operations:
        raise ValidationFailed.of("operations", "required", "a list of operations is wanted")
    if len(operations) > MAX_OPERATIONS:
        raise ValidationFailed.of("operations", "too_many", f"at most {MAX_OPERATIONS} operations")
    planned: list[Planned] = []
    for index, operation in enumerate(operations):
        if index % _BREATH == _BREATH - 1:
            await asyncio.sleep(0)
        try:
            planned.append(await _plan(records, actor, operation, index))
        except GridBearError as error:
            _name(error, index)
            raise
    under_way: UnderWay[tuple[int, Planned]] = UnderWay()

    def run(work: Work, _: list[Any]) -> list[Result]:
        results: list[Any] = []
        if beside is not None:
            beside[1].before(work)
        for _index, step in under_way.each(enumerate(planned)):
            results.append(step.run(work, results))
        if beside is not None:
            beside[1].after(work, [step.model for step in planned], results)
        return results

    models = tuple({step.model for step in planned} | ({beside[0]} if beside else set()))
    always = all(records.passes_guard(actor, step) for step in planned)
    try:
        return await rehearsed(records, actor, run, models, dry_run=dry_run, always=always)
    except GridBearError as error:
        if under_way.step is not None:
            _name(error, under_way.step[0])
        raise


async def _plan(records: Records, actor: Actor, operation: Any, index: int) -> Planned:
    if not isinstance(operation, dict):
        raise ValidationFailed('An operation is an object such as {"verb": "create", "model": "notes", "values": {…}}.')
    unknown = operation.keys() - _KEYS
    if unknown:
        raise ValidationFailed.of(min(unknown), "unknown_field", f"an operation has {', '.join(sorted(_KEYS))}")
    verb, model = operation.get("verb"), operation.get("model")
    if verb not in VERBS:
        raise ValidationFailed.of("verb", "unknown_verb", f"one of {', '.join(VERBS)} is wanted")
    if not isinstance(model, str):
        raise ValidationFailed.of("model", "required", "the name of a model is wanted")
    shelf, spec = records.shelf, records.registry.get(model)
    if verb == "delete":
        _refuse(operation, "values", "key")
        return plan_delete(shelf, actor, model, _target(operation, index), if_match=_if_match(operation))
    values, references = _values(operation, spec, index)
    if verb == "create":
        _refuse(operation, "id", "if_match", "key")
        return await plan_create(shelf, actor, model, values, references)
    if verb == "upsert":
        _refuse(operation, "id", "if_match")
        if references:
            raise ValidationFailed.of("values", "no_references", "an upsert can't refer to earlier results")
        return await plan_upsert(shelf, actor, model, str(operation.get("key", "")).split(","), values)
    _refuse(operation, "key")
    return await plan_change(
        shelf,
        actor,
        model,
        _target(operation, index),
        values,
        replace=verb == "replace",
        if_match=_if_match(operation),
        references=references,
    )


def _refuse(operation: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if name in operation:
            raise ValidationFailed.of(name, "unknown_field", f"{operation['verb']} has no {name}")


def _target(operation: Mapping[str, Any], index: int) -> int | Reference:
    given = operation.get("id")
    reference = _reference(given, index, "id")
    if reference is not None:
        return reference
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= INTEGER_MAX:
        raise ValidationFailed.of("id", "required", 'the id of a record, or {"$ref": "0.id"}, is wanted')
    return given


def _values(operation: Mapping[str, Any], spec: ModelSpec, index: int) -> tuple[dict[str, Any], dict[str, Reference]]:
    given = operation.get("values")
    if not isinstance(given, dict):
        raise ValidationFailed.of("values", "required", "an object of fields is wanted")
    values: dict[str, Any] = {}
    references: dict[str, Reference] = {}
    for name, value in given.items():
        field = spec.fields.get(name)
        # In a JSON field an object is a value like any other.
        reference = None if field is not None and field.type == "json" else _reference(value, index, name)
        if reference is None:
            values[name] = value
        else:
            references[name] = reference
    return values, references


def _reference(value: Any, index: int, name: str) -> Reference | None:
    """The value that `{"$ref": "0.id"}` will stand for, or None if `value` is none of these."""
    if not isinstance(value, dict) or set(value) != {"$ref"}:
        return None
    match = _REFERENCE.fullmatch(str(value["$ref"]))
    if match is None or int(match[1]) >= index:
        raise ValidationFailed.of(name, "bad_reference", 'an earlier operation and a field, such as "0.id", are wanted')
    position, field = int(match[1]), match[2]

    def resolve(results: list[Any]) -> Any:
        row = orjson.loads(results[position].text) or {}
        if field not in row:
            raise ValidationFailed.of(name, "bad_reference", f"the result of operation {position} has no {field}")
        return row[field]

    return resolve


def _if_match(operation: Mapping[str, Any]) -> IfMatch | None:
    tag = operation.get("if_match")
    if tag is None:
        return None
    if not isinstance(tag, str):
        raise ValidationFailed.of("if_match", "wrong_type", "an entity tag, as text, is wanted")
    wanted = tag.strip().removeprefix("W/")
    return lambda etag: wanted in ("*", etag, etag.strip('"'))


def _name(error: GridBearError, index: int) -> None:
    """Put the operation's number into the text of `error` and before the names of its fields."""
    error.message = f"Operation {index}: {error.message}"
    fields = error.fields or {"": FieldError(error.code, error.message)}
    error.fields = {f"operations.{index}{'.' if name else ''}{name}": found for name, found in fields.items()}
