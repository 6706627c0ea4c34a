"""SQL of the table of uploaded files: reading one, what refers to it, what is needed no more."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Table

from server.db.file_reach import FILES, FileReach, Holder, referred
from server.db.staging import ROW
from server.db.statements import Expansion, read_sql
from server.db.trash import HISTORY
from server.db.writer import STAGED


def file_sql(table: Table, fields: Sequence[str], reach: FileReach, expand: Sequence[Expansion] = ()) -> str:
    """The file `:id` as JSON, if it is within `reach`."""
    return f"{read_sql(table, fields, None, expand)} AND {reach.condition()}"


def content_sql(reach: FileReach) -> str:
    """Name, type, size and hash of the file `:id`, if it is within `reach`."""
    return f"SELECT name, content_type, size, sha256 FROM {FILES} WHERE id = :id AND {reach.condition()}"


def fit_sql(reach: FileReach) -> str:
    """Type and size of the file `:id`, if it is within `reach`."""
    return f"SELECT content_type, size FROM {FILES} WHERE id = :id AND {reach.condition()}"


def in_use_sql() -> str:
    """The file `:id` is referred to again."""
    return f"UPDATE {FILES} SET unreferenced_at = NULL WHERE id = :id AND unreferenced_at IS NOT NULL"


def unfit_sql(table: str, column: str) -> str:
    """How many rows refer to a file that is larger than `:max_bytes` or of no type in the JSON array `:accept`."""
    return f'SELECT count(*) FROM "{table}" AS s JOIN {FILES} AS f ON f.id = s."{column}" WHERE {_UNFIT}'


def staged_missing_sql(column: str, reach: FileReach) -> str:
    """Number and value of staged rows whose `column` names no file within `reach`, as `staging.missing_sql`."""
    return (
        f'SELECT s.{ROW}, s."{column}" FROM {STAGED}.rows AS s WHERE {_WINDOW} AND s."{column}" IS NOT NULL '
        f'AND NOT EXISTS (SELECT 1 FROM {FILES} AS f WHERE f.id = s."{column}" AND {reach.condition("f")}) {_ORDER}'
    )


def staged_unfit_sql(column: str, reach: FileReach) -> str:
    """Number of staged rows whose file is within `reach` and does not fit, with its type and size.

    Parameters: those of `unfit_sql` and of `staging.missing_sql`.
    """
    return (
        f'SELECT s.{ROW}, f.content_type, f.size FROM {STAGED}.rows AS s JOIN {FILES} AS f ON f.id = s."{column}" '
        f"WHERE {_WINDOW} AND {_UNFIT} AND {reach.condition('f')} {_ORDER}"
    )


def staged_in_use_sql(column: str) -> str:
    """The files that the staged rows from `:low` to `:high` refer to are in use again."""
    return (
        f"UPDATE {FILES} SET unreferenced_at = NULL WHERE unreferenced_at IS NOT NULL "
        f'AND id IN (SELECT s."{column}" FROM {STAGED}.rows AS s WHERE {_WINDOW})'
    )


_UNFIT = (
    "(f.size > :max_bytes "
    "OR NOT EXISTS (SELECT 1 FROM json_each(:accept) AS kind WHERE f.content_type GLOB kind.value))"
)
_WINDOW = f"s.{ROW} BETWEEN :low AND :high"
_ORDER = f"ORDER BY s.{ROW} LIMIT :row_limit"


def mark_sql(holders: Sequence[Holder]) -> str:
    """Note in the files from `:low` to `:high` whether anything refers to them now."""
    return (
        f"UPDATE {FILES} SET unreferenced_at = CASE WHEN unreferenced_at IS NULL THEN :now END "
        f"WHERE id BETWEEN :low AND :high AND {_used(holders)} != (unreferenced_at IS NULL)"
    )


def last_id_sql() -> str:
    """The largest id."""
    return f"SELECT coalesce(max(id), 0) FROM {FILES}"


def expired_sql(holders: Sequence[Holder]) -> str:
    """Ids of files that nothing refers to, and nothing did since `:before`; `:row_limit` of them."""
    return (
        f"SELECT id FROM {FILES} WHERE unreferenced_at < :before AND NOT {_used(holders)} "
        "ORDER BY unreferenced_at LIMIT :row_limit"
    )


def _used(holders: Sequence[Holder]) -> str:
    return f"({' OR '.join(referred(holder, FILES) for holder in holders) or '0'})"


def began_sql() -> str:
    """When the first person was made here, or NULL before that."""
    return "SELECT min(created_at) FROM users"


def unneeded_sql() -> str:
    """Those hashes of the JSON array `:hashes` that no file has, nor one that was deleted after `:since`."""
    return (
        "SELECT value FROM json_each(:hashes) "
        f"WHERE NOT EXISTS (SELECT 1 FROM {FILES} WHERE sha256 = json_each.value) "
        f"AND value NOT IN (SELECT json_extract(before, '$.sha256') FROM {HISTORY} WHERE model = '{FILES}' "
        "AND verb = 'delete' AND created_at >= :since)"
    )
