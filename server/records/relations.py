"""References from records to others: which of them an actor may make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.access.actor import SYSTEM, Actor
from server.db.transaction import Transaction
from server.errors import Conflict, FieldError, GridBearError
from server.models.stored_file import FILES_TABLE
from server.records.file_references import refer_to_file
from server.records.prepared import PreparedModel
from server.records.shelf import Shelf


def check_relations(
    shelf: Shelf,
    transaction: Transaction,
    actor: Actor,
    prepared: PreparedModel,
    columns: Mapping[str, Any],
    before: Mapping[str, Any],
    *,
    from_history: bool = False,
) -> None:
    """Raise Conflict where `columns` refer to what is not there, or what the actor can't read: both answer alike.

    But what a record referred to before it may refer to again, whoever brings it back (`from_history`).
    """
    reader = SYSTEM if from_history else actor
    for name, model in prepared.relations:
        value = columns.get(name)
        if value is None or before.get(name) == value:
            continue
        if name == prepared.spec.owner_column and value == actor.user_id:
            continue
        if model == prepared.spec.name and value == columns.get("id"):
            # What comes back under its id may refer to itself.
            continue
        try:
            if model == FILES_TABLE:
                refer_to_file(transaction, shelf.file_reach(reader), reader, prepared.spec.fields[name], value)
            else:
                _refer_to_record(shelf, transaction, actor, reader, (name, model), value)
        except GridBearError as error:
            if name not in shelf.unknown_to(actor, prepared.spec):
                raise
            message = "It refers to what is not there any more, in a field that is not yours to see."
            raise Conflict(message, code="reference_conflict") from error


def _refer_to_record(
    shelf: Shelf, transaction: Transaction, actor: Actor, reader: Actor, relation: tuple[str, str], value: Any
) -> None:
    name, model = relation
    target = shelf.models[model]
    may = shelf.policy.permission(reader, target.spec, "read")
    sql = target.read(("id",), may.owned_by)
    parameters = {"id": value, "actor_id": actor.user_id}
    if may.extent == "none" or transaction.execute(sql, parameters).fetchone() is None:
        message = f"there is no {shelf.policy.noun(actor, target.spec)} {value}"
        raise Conflict(
            f"{name}: {message}.",
            code="reference_conflict",
            fields={name: FieldError("no_such_record", message)},
        )
