"""What a model says of itself, compared with its table: a slip of the pen is told when it is declared."""

from __future__ import annotations

from collections.abc import Collection
from typing import get_args

from sqlalchemy import Table

from server.models.base import EXTENTS, VERBS, FieldInfo, Group, ModelOptions
from server.models.icons import ModelIcon

_ROLES = ("member", "guest")


def check_options(table: Table, options: ModelOptions, owner: str | None) -> None:
    """Raise TypeError, with a sentence that names what may stand there."""
    _one_of("group", options.group, get_args(Group))
    if options.icon is not None:
        _one_of("icon", options.icon, get_args(ModelIcon))
    for verb in options.verbs:
        _one_of("verbs", verb, VERBS)
    for role, rules in options.access.items():
        _one_of("access", role, _ROLES)
        for verb, extent in rules.items():
            _one_of(f"access of {role}", verb, VERBS)
            _one_of(f"access of {role}, {verb}", extent, EXTENTS)
            if extent == "own" and owner is None and verb != "create":
                raise TypeError(f"access of {role}, {verb}: 'own' needs an owner: class …(Owned, Record, Base)")
    # Without a `name`, records stand for themselves by their id.
    if options.title_field not in ("name", *table.c.keys()):
        _one_of("title_field", options.title_field, table.c.keys())
    for column in table.columns:
        info = column.info["field"]
        if isinstance(info, FieldInfo) and info.unique_per_owner and owner is None:
            raise TypeError(f"{column.name}: unique_per_owner needs an owner: class …(Owned, Record, Base)")


def _one_of(where: str, found: object, known: Collection[str]) -> None:
    if found not in known:
        raise TypeError(f"{where}: found {found!r}, wanted one of {', '.join(known)}")
