"""Renamed fields of an own model, where else they are named: in access rules, webhooks and the history of records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from server.db import trash
from server.db.statements import ListShape, unique_shape
from server.events.bus import RecordChanged
from server.models.registry import ModelRegistry, ModelSpec
from server.models.webhook import Webhook
from server.records.domain import names_in, with_new_names
from server.records.rules import RULES
from server.records.shelf import Shelf
from server.records.work import HISTORY, Work

WEBHOOKS = Webhook.__tablename__
_CHUNK = 500


def follow_renames(work: Work, shelf: Shelf, spec: ModelSpec, renamed: Mapping[str, str]) -> None:
    """Give the fields of a model their new names, in the transaction that renames them. `renamed`: new names with old.

    `spec`: the model as it becomes. What was hidden stays hidden, webhooks go on telling, and what was deleted comes
    back with all of its values.
    """
    if renamed:
        _rules(work, spec.name, renamed)
        _webhooks(work, shelf.registry, spec, renamed)
        _history(work, spec.name, renamed)
        shelf.caps[HISTORY].recount(work.transaction, shelf.cap_of(HISTORY))


def _rules(work: Work, model: str, renamed: Mapping[str, str]) -> None:
    prepared = work.prepared(RULES)
    sql = prepared.columns_where(unique_shape("model"), ("id", "hidden_fields"))
    for rule_id, text in work.transaction.execute(sql, {"f0": model}).fetchall():
        hidden = orjson.loads(text)
        now = list(_under_new_names(dict.fromkeys(hidden), renamed))
        if now == hidden:
            continue
        # Not as a change of the rule, which would be checked against the fields of before.
        values = {"id": rule_id, "hidden_fields": orjson.dumps(now).decode(), "updated_at": work.now}
        work.transaction.touched.add(RULES)
        work.transaction.execute(prepared.update(("hidden_fields", "updated_at"), None, ("id",)), values).fetchone()
        work.events.append(RecordChanged(RULES, "update", rule_id, None))


def _webhooks(work: Work, registry: ModelRegistry, spec: ModelSpec, renamed: Mapping[str, str]) -> None:
    prepared = work.prepared(WEBHOOKS)
    new_names = {old: new for new, old in renamed.items()}
    sql = prepared.columns_where(ListShape(), ("id", "owner_id", "events", "filter"))
    for webhook_id, owner, events, text in work.transaction.execute(sql).fetchall():
        domain = None if text is None else orjson.loads(text)
        models = {event.partition(".")[0] for event in orjson.loads(events)}
        now = with_new_names(domain, new_names)
        if spec.name not in models or now == domain:
            continue
        # One filter is for all models of a webhook: it follows as soon as the last of them has the new names.
        specs = [spec, *(registry.get(name) for name in models - {spec.name} if name in registry)]
        if all(names_in(now) <= one.fields.keys() for one in specs):
            values = {"id": webhook_id, "filter": orjson.dumps(now).decode(), "updated_at": work.now}
            work.transaction.touched.add(WEBHOOKS)
            work.transaction.execute(prepared.update(("filter", "updated_at"), None, ("id",)), values).fetchone()
            work.events.append(RecordChanged(WEBHOOKS, "update", webhook_id, owner))


def _history(work: Work, model: str, renamed: Mapping[str, str]) -> None:
    work.transaction.touched.add(HISTORY)
    last, entries = 0, None
    while entries is None or len(entries) == _CHUNK:
        values = {"model": model, "after_id": last, "n": _CHUNK}
        entries = work.transaction.execute(trash.with_values_sql(), values).fetchall()
        for entry_id, *texts in entries:
            before, after = (_text(text, renamed) for text in texts)
            if [before, after] != texts:
                new = {"id": entry_id, "before": before, "after": after}
                work.transaction.execute(trash.set_values_sql(), new)
            last = entry_id


def _text(text: str | None, renamed: Mapping[str, str]) -> str | None:
    if text is None:
        return None
    values = orjson.loads(text)
    now = _under_new_names(values, renamed)
    return text if list(now) == list(values) else orjson.dumps(now).decode()


def _under_new_names(values: Mapping[str, Any], renamed: Mapping[str, str]) -> dict[str, Any]:
    """`values` by the new names of their fields. One that has such a name now, and another no more, goes."""
    new_names = {old: new for new, old in renamed.items()}
    return {
        new_names.get(name, name): value for name, value in values.items() if name in new_names or name not in renamed
    }
