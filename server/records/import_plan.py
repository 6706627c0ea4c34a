"""What an import is asked to do, and which column of its file goes into which field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from server.access.actor import Actor
from server.access.policy import Permission
from server.errors import FieldError, GridBearError, ValidationFailed
from server.models.registry import FieldSpec, ModelSpec
from server.records.import_files import ImportFormat, RowFile
from server.records.values import raise_for, writable

ImportMode = Literal["all", "skip_bad"]
IMPORT_MODES: tuple[ImportMode, ...] = ("all", "skip_bad")
LISTED_OF_ALL = 100
LISTED_OF_SKIPPED = 1000
HIGHEST_KEPT_ID = 1 << 52
"""New records go on after the highest id: there must be some left, and browsers must tell them apart."""
_KEPT_BY_THE_SERVER = ("id", "created_at", "updated_at", "owner_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """One import, as it was asked for."""

    format: ImportFormat | None = None
    """None: the file's first bytes tell."""
    mode: ImportMode = "all"
    dry_run: bool = False
    mapping: Mapping[str, str | None] = field(default_factory=dict)
    """Column of the file to field; None leaves a column out."""
    ignore_unknown: bool = False
    keep_ids: bool = False
    """Rows keep id, times and owner. For admins."""
    owner: str | None = None
    """Id or name of the person whose rows they become, if not the caller's. For admins."""
    delimiter: str | None = None
    table: str | None = None


@dataclass(slots=True)
class RowErrors:
    """Refused rows: all are counted, the first are listed."""

    limit: int
    rows: int = 0
    listed: list[dict[str, Any]] = field(default_factory=list)

    def add(self, row: int, problems: Sequence[tuple[str, str, str]]) -> None:
        """One refused row, with field (may be empty), code and message of each problem."""
        self.rows += 1
        for name, code, message in problems:
            if len(self.listed) < self.limit:
                self.listed.append({"row": row, "field": name or None, "code": code, "message": message})

    def in_order(self) -> list[dict[str, Any]]:
        """The listed ones by row."""
        return sorted(self.listed, key=lambda one: int(one["row"]))

    def failure(self) -> ValidationFailed:
        """All of them as one error; `fields` has `row` or `row.field` for each."""
        fields = {
            f"{one['row']}.{one['field']}" if one["field"] else str(one["row"]): FieldError(
                str(one["code"]), str(one["message"])
            )
            for one in self.in_order()
        }
        first = self.in_order()[0]
        where = f"row {first['row']}" + (f", {first['field']}" if first["field"] else "")
        count = f"{self.rows:,} rows" if self.rows > 1 else "1 row"
        return ValidationFailed(
            f"Nothing was imported: {count} can't be used; the first is {where}: {first['message']}.",
            code="rows_refused",
            fields=fields,
        )


def problems_of(error: GridBearError) -> list[tuple[str, str, str]]:
    """An error of one row as field, code and message of each problem."""
    if error.fields:
        return [(name, found.code, found.message) for name, found in error.fields.items()]
    return [("", error.code, error.message)]


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """Which columns are read, and the field of each."""

    sources: tuple[str, ...]
    fields: tuple[FieldSpec, ...]
    ignored: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The fields' names."""
        return tuple(found.name for found in self.fields)


def plan_columns(
    actor: Actor, spec: ModelSpec, may: Permission, header: Sequence[str] | None, options: ImportOptions
) -> ColumnPlan:
    """Match columns and fields. Raises ValidationFailed naming every column that can't be used, and missing fields.

    `header` is None where each row names its own columns; then every field that may be sent is looked for.
    """
    fields = _usable(actor, spec, may, options)
    errors: dict[str, FieldError] = {}
    pairs: dict[str, FieldSpec] = {}
    ignored: list[str] = []
    mapped = {source: target for source, target in options.mapping.items() if target is not None}
    for source in options.mapping:
        if header is not None and source not in header:
            errors[source] = FieldError("unknown_column", f"the file has no such column; it has {', '.join(header)}")
    free = [name for name in fields if name not in mapped and name not in mapped.values()]
    for source in header if header is not None else (*mapped, *(name for name in free if name not in options.mapping)):
        target = options.mapping.get(source, source)
        if target is None:
            ignored.append(source)
        elif target in fields:
            pairs[source] = fields[target]
        elif source not in mapped and (source in _KEPT_BY_THE_SERVER or options.ignore_unknown):
            ignored.append(source)
        else:
            errors[source] = _unusable(spec, may, target)
    taken = [found.name for found in pairs.values()]
    for source, found in pairs.items():
        if taken.count(found.name) > 1:
            errors[source] = FieldError("not_both", f"two columns go into {found.name}")
    if header is not None and not errors:
        for name, found in spec.fields.items():
            if found.info.required and name not in taken and name in fields:
                errors[name] = FieldError("required", "a value is required, and no column has it; map one")
    raise_for(errors)
    if not pairs:
        raise ValidationFailed("No column of the file goes into a field; map them with `mapping`.", code="no_columns")
    return ColumnPlan(tuple(pairs), tuple(pairs.values()), tuple(ignored))


def may_be_ignored(name: str, options: ImportOptions) -> bool:
    """Whether a row may name something that goes into no field."""
    return (
        options.ignore_unknown
        or name in _KEPT_BY_THE_SERVER
        or (name in options.mapping and options.mapping[name] is None)
    )


def _usable(actor: Actor, spec: ModelSpec, may: Permission, options: ImportOptions) -> dict[str, FieldSpec]:
    found = {
        name: field
        for name, field in spec.fields.items()
        if name not in may.hidden and writable(actor, field, creating=True)
    }
    if options.keep_ids:
        for name in _KEPT_BY_THE_SERVER:
            kept = spec.fields.get(name)
            if kept is not None:
                least, most = (1, HIGHEST_KEPT_ID) if name == "id" else (None, None)
                info = replace(kept.info, required=name != "owner_id", minimum=least, maximum=most)
                found[name] = replace(kept, info=info)
    return found


def _unusable(spec: ModelSpec, may: Permission, name: str) -> FieldError:
    if name in spec.fields and name not in may.hidden:
        return FieldError("read_only", f"{name} is kept by the server")
    return FieldError(
        "unknown_field",
        f"{spec.name} has no field {name}; map the column to one, or leave it out (ignore_unknown)",
    )


@dataclass(slots=True)
class ReadFile:
    """What reading a file came to."""

    file: RowFile
    plan: ColumnPlan
    errors: RowErrors
    rows: int = 0
    last: int = 0
    """The number of the last row."""
    values: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    """For models whose rows are made one by one: their numbers and fields, as they stand in the file."""
