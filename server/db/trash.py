"""SQL of the history: what happened to a record, which deleted records can come back, what is too old to keep."""

from __future__ import annotations

HISTORY = "history"
_ENTRY = "id, record_id, verb, actor_id, actor_name, created_at, before, after"


def entries_sql(*, owned: bool) -> str:
    """Entries of the record `:record_id` of `:model`, newest first, before the entry `:until`; `:row_limit` of them."""
    own = " AND record_owner_id = :actor_id" if owned else ""
    return (
        f"SELECT {_ENTRY} FROM {HISTORY} WHERE model = :model AND record_id = :record_id AND id < :until{own} "
        "ORDER BY id DESC LIMIT :row_limit"
    )


def entries_since_sql() -> str:
    """`id`, `verb`, `before`, `record_owner_id` of a record's entries from `:since` on, newest first."""
    return (
        f"SELECT id, verb, before, record_owner_id FROM {HISTORY} "
        "WHERE model = :model AND record_id = :record_id AND id >= :since ORDER BY id DESC"
    )


def entries_between_sql() -> str:
    """`id`, `model`, `record_id`, `verb`, `before`, `after` of the entries `:first` to `:last`.

    Those of `:actor_id`, newest first, at most `:row_limit`.
    """
    return (
        f"SELECT id, model, record_id, verb, before, after FROM {HISTORY} "
        "WHERE id BETWEEN :first AND :last AND actor_id = :actor_id ORDER BY id DESC LIMIT :row_limit"
    )


def last_deletion_sql() -> str:
    """`id`, `before`, `record_owner_id`, `created_at` of the latest deletion of a record."""
    return (
        f"SELECT id, before, record_owner_id, created_at FROM {HISTORY} "
        "WHERE model = :model AND record_id = :record_id AND verb = 'delete' ORDER BY id DESC LIMIT 1"
    )


def deleted_sql(table: str, *, owned: bool) -> tuple[str, str]:
    """The latest deletions of records of `table` that are gone now, made after `:since`: the page, and their number.

    Columns as of `entries_sql`; more parameters: `row_limit`, `row_offset`, `actor_id` if `owned`.
    """
    own = " AND h.record_owner_id = :actor_id" if owned else ""
    selected = (
        f"FROM {HISTORY} AS h WHERE h.model = '{table}' AND h.verb = 'delete' AND h.created_at >= :since{own} "
        f'AND NOT EXISTS (SELECT 1 FROM "{table}" WHERE id = h.record_id) '
        f"AND NOT EXISTS (SELECT 1 FROM {HISTORY} AS later WHERE later.model = h.model "
        "AND later.record_id = h.record_id AND later.verb = 'delete' AND later.id > h.id)"
    )
    columns = ", ".join(f"h.{name}" for name in _ENTRY.split(", "))
    return f"SELECT {columns} {selected} ORDER BY h.id DESC LIMIT :row_limit OFFSET :row_offset", (
        f"SELECT count(*) {selected}"
    )


def forget_model_sql() -> str:
    """Delete the whole history of `:model`."""
    return f"DELETE FROM {HISTORY} WHERE model = :model"


def expire_sql(verbs: str, *, models: bool) -> str:
    """Delete `:n` entries that are older than `:before`; `verbs` is `deletions` or `others`.

    `models`: only entries of the models in the JSON array `:models`; else of all others than those.
    """
    verb = "verb = 'delete'" if verbs == "deletions" else "verb != 'delete'"
    among = f"model {'IN' if models else 'NOT IN'} (SELECT value FROM json_each(:models))"
    return (
        f"DELETE FROM {HISTORY} WHERE id IN (SELECT id FROM {HISTORY} WHERE created_at < :before AND {verb} "
        f"AND {among} ORDER BY id LIMIT :n)"
    )


def with_values_sql() -> str:
    """`id`, `before`, `after` of `:n` entries of `:model` that tell values, after the entry `:after_id`."""
    # With a plus, SQLite walks along the ids and sorts nothing.
    return (
        f"SELECT id, before, after FROM {HISTORY} WHERE id > :after_id AND +model = :model AND verb != 'import' "
        "AND (before IS NOT NULL OR after IS NOT NULL) ORDER BY id LIMIT :n"
    )


def set_values_sql() -> str:
    """Give the entry `:id` other texts of its values."""
    return f"UPDATE {HISTORY} SET before = :before, after = :after WHERE id = :id"
