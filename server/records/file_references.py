"""References from records to uploaded files: which may be made, and which files a field takes."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import orjson

from server.access.actor import Actor
from server.db import file_rows
from server.db.file_reach import FileReach
from server.db.transaction import Transaction
from server.errors import Conflict, FieldError, ValidationFailed
from server.models.registry import FieldSpec

NO_LIMIT = (1 << 63) - 1


def refer_to_file(transaction: Transaction, reach: FileReach, actor: Actor, field: FieldSpec, file_id: int) -> None:
    """A record refers to a file from now on, which keeps it from being reclaimed.

    Raises Conflict when there is no such file within `reach`, ValidationFailed when the field does not take it.
    """
    sql = file_rows.fit_sql(reach)
    found = transaction.execute(sql, {"id": file_id, "actor_id": actor.user_id}).fetchone()
    if found is None:
        message = f"there is no file {file_id}"
        raise Conflict(
            f"{field.name}: {message}.",
            code="reference_conflict",
            fields={field.name: FieldError("no_such_record", message)},
        )
    content_type, size = found
    code, message = misfit(field, str(content_type), int(size))
    if code:
        raise ValidationFailed.of(field.name, code, message)
    transaction.execute(file_rows.in_use_sql(), {"id": file_id})


def misfit(field: FieldSpec, content_type: str, size: int) -> tuple[str, str]:
    """Why `field` does not take a file, as code and sentence; empty texts when it does."""
    info = field.info
    if not type_fits(content_type, info.accept):
        return "type_not_accepted", f"a file of type {' or '.join(info.accept)} is wanted, this one is {content_type}"
    if info.max_bytes is not None and size > info.max_bytes:
        return "too_large", f"at most {info.max_bytes} bytes, this file has {size}"
    return "", ""


def type_fits(content_type: str, accept: tuple[str, ...]) -> bool:
    """Whether a type is one of `accept`, in which `image/*` stands for a family; nothing there accepts all."""
    return not accept or any(fnmatchcase(content_type, kind) for kind in accept)


def fit_parameters(field: FieldSpec) -> dict[str, Any]:
    """What the SQL of files that do not fit takes."""
    accept = list(field.info.accept) or ["*"]
    limit = NO_LIMIT if field.info.max_bytes is None else field.info.max_bytes
    return {"accept": orjson.dumps(accept).decode(), "max_bytes": limit}
