"""What a model does beyond storing: hash a password, make a token, check a row as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

from server.access.actor import Actor
from server.db.transaction import Transaction
from server.models.base import WriteVerb


@dataclass(frozen=True, slots=True)
class Prepared:
    """Columns to store, and what the answer to a create tells once and never again."""

    columns: dict[str, Any]
    told_once: dict[str, Any] = dataclass_field(default_factory=dict)


class Behaviour:
    """The neutral behaviour; a model's own overrides what it needs."""

    importable = True
    """Whether files of rows may be imported. Not where a create tells something that is told only once."""

    minds_creation = True
    """False: a new record is nothing but stored, so that files of rows are taken in whole."""

    async def prepare(self, actor: Actor, columns: dict[str, Any], *, record_id: int | None) -> Prepared:
        """Before the write, on the event loop: `columns` in stored form, as they are to be stored.

        `record_id` is None for a new record. Raises ValidationFailed or Forbidden to refuse.
        """
        return Prepared(columns)

    def settle(self, transaction: Transaction, verb: WriteVerb, record_id: int, row: Mapping[str, Any] | None) -> None:
        """After the write, inside its unit of work: `row` is the whole stored row, None after a delete.

        What it raises undoes the write. It may run twice.
        """

    def settle_loss(self, transaction: Transaction, before: Mapping[str, Any]) -> None:
        """After a change or a delete, inside its unit of work: `before` is what the row was, its columns as they lay.

        What it raises undoes the write. It may run twice.
        """
