"""Rows of a log, many of them by few statements: nothing is told of each but its size.

Every call into SQLite gives up Python's lock and has to win it back from the event loop: most of a short write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, count
from typing import Any

from server.db.transaction import Transaction
from server.events.bus import RecordChanged
from server.records.prepared import PreparedModel
from server.records.work import Work, owner_of

LARGEST_PART = 64


def insert_log(work: Work, model: str, rows: Sequence[Mapping[str, Any]], *, told: bool = True) -> None:
    """Store whole rows of a log (`log_cap_setting`), without their ids. An event a person says that there are new ones,
    unless they are not `told`.

    For models without sealed fields, history and audit: a row is what its columns say. Raises StorageFull while logs
    are stopped, and what a constraint says of any of them; then none is stored.
    """
    prepared = work.prepared(model)
    work.check_log(prepared.spec)
    first = int(work.transaction.execute(prepared.next_id).fetchone()[0])
    whole = [{**prepared.defaults, **row, "id": number} for number, row in zip(count(first), rows)]
    work.transaction.touched.add(model)
    insert_rows(work.transaction, prepared, [list(map(row.get, prepared.columns)) for row in whole])
    work.count_log(model, whole)
    if not told:
        return
    newest = {owner_of(prepared.spec, row, row["id"]): row["id"] for row in whole}
    work.events += [RecordChanged(model, "create", number, owner) for owner, number in newest.items()]


def insert_rows(transaction: Transaction, prepared: PreparedModel, rows: Sequence[Sequence[Any]]) -> None:
    """Insert whole rows in the order of the model's columns, ids included."""
    # By powers of two, so that few statements serve any number.
    done = 0
    while done < len(rows):
        part = min(LARGEST_PART, 1 << ((len(rows) - done).bit_length() - 1))
        values = tuple(chain.from_iterable(rows[done : done + part]))
        transaction.execute(prepared.insert_many(part), values)
        done += part
