"""The models of one running program, as descriptors that need no look at SQLAlchemy any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Column, Table

from server.db.types import FieldType, type_name
from server.errors import NotFound
from server.models.base import EVERYTHING, NOTHING, Base, Extent, FieldInfo, ModelOptions, Rules, Verb
from server.models.checked_options import check_options
from server.models.declared import PLUGIN_PACKAGE, declared_models

RESERVED_MODEL_NAMES = frozenset(
    ("models", "batch", "events", "access", "files", "import", "export", "backups", "sql", "docs", "metrics",
     "server", "gateway", "undo", "ui")
)  # fmt: skip
"""Addresses under /api/v1 that are no model."""

RESERVED_MEMBER_WORDS = frozenset(("aggregate", "import", "export", "bulk", "deleted", "install", "kinds"))
"""What stands where a record's id does and is none."""


_SEALABLE = ("secret", "text", "long_text", "json", "url", "email")


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field of a model."""

    name: str
    type: FieldType
    info: FieldInfo
    nullable: bool
    unique: bool
    unique_per_owner: bool
    choices: tuple[str, ...] | None
    references: str | None


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model: its table, its public fields, its options."""

    name: str
    table: Table
    options: ModelOptions
    fields: dict[str, FieldSpec]
    """Every field that is part of a surface, write-only ones included."""
    shown: tuple[str, ...]
    """The fields that a row shows, in order."""
    owner_column: str | None
    sealed: tuple[str, ...]
    """The fields whose values lie sealed in the file."""

    def rules_for(self, role: str | None) -> Rules:
        """The default rules of a role; verbs that it does not name, or the model does not offer, are `none`."""
        rules = EVERYTHING if role == "admin" else {**NOTHING, **self.options.access.get(role or "", NOTHING)}
        return {verb: self._offered(verb, extent) for verb, extent in rules.items()}

    @property
    def tools(self) -> Literal["on", "off", "never"]:
        """Whether its records are tools by default, or can't be made so."""
        return self.options.tools or ("never" if self.options.group == "system" else "on")

    def _offered(self, verb: Verb, extent: Extent) -> Extent:
        return extent if verb in self.options.verbs else "none"


class ModelRegistry:
    """All models by name: those that `base` declares, and whatever is put in force later."""

    def __init__(self, base: type[Base]) -> None:
        self._specs: dict[str, ModelSpec] = {}
        self.metadata = base.metadata
        for model in declared_models(base):
            if model.__module__.startswith(PLUGIN_PACKAGE):
                continue
            table = model.__table__
            if isinstance(table, Table):
                self._specs[table.name] = model_spec(table, model.__options__)

    def __iter__(self) -> Any:
        return iter(sorted(self._specs.values(), key=lambda spec: spec.name))

    def __contains__(self, name: object) -> bool:
        return name in self._specs

    def put(self, spec: ModelSpec) -> None:
        """Add a model, or take its new form."""
        self._specs[spec.name] = spec

    def remove(self, name: str) -> None:
        """Forget a model."""
        self._specs.pop(name, None)

    def get(self, name: str) -> ModelSpec:
        """The model `name`. Raises NotFound."""
        spec = self._specs.get(name)
        if spec is None:
            raise unknown_model(name)
        return spec


def unknown_model(name: str) -> NotFound:
    """There is no such model, or the caller may not know of it."""
    return NotFound(f"There is no model {name!r}. GET /api/v1/models lists them.", code="unknown_model")


def model_spec(table: Table, options: ModelOptions) -> ModelSpec:
    """The descriptor of a table. Raises TypeError for a column not declared with `field()`, and for wrong options."""
    fields: dict[str, FieldSpec] = {}
    for column in table.columns:
        info = column.info.get("field")
        if not isinstance(info, FieldInfo):
            raise TypeError(f"{table.name}.{column.name} is not declared with field()")
        if not info.hidden:
            # Of copied tables names are a subclass of str, which JSON writers refuse as keys.
            fields[str(column.name)] = _field(column, info)
    shown = tuple(name for name, field in fields.items() if not field.info.write_only)
    owner = options.owner_column or ("owner_id" if "owner_id" in table.c else None)
    check_options(table, options, owner)
    return ModelSpec(str(table.name), table, options, fields, shown, owner, _sealed(table, fields))


def _sealed(table: Table, fields: dict[str, FieldSpec]) -> tuple[str, ...]:
    names = tuple(name for name, field in fields.items() if field.info.write_only and not field.info.hashed)
    for name in names:
        field = fields[name]
        if field.type not in _SEALABLE or field.unique or field.info.searchable:
            raise TypeError(
                f"{table.name}.{name} is write-only: it must be one of {', '.join(_SEALABLE)}, and neither unique nor "
                "searchable, because it is stored sealed (hashed=True: a behaviour stores a hash of it)"
            )
    return names


def _field(column: Column[Any], info: FieldInfo) -> FieldSpec:
    # Not by the column itself: of models that refer to each other, one is always declared first.
    references = next((key.target_fullname.rpartition(".")[0] for key in column.foreign_keys), None)
    kind = type_name(column.type)
    return FieldSpec(
        str(column.name),
        "relation" if references is not None and kind != "file" else kind,
        info,
        bool(column.nullable),
        bool(column.unique) or info.unique_per_owner,
        info.unique_per_owner,
        getattr(column.type, "choices", None),
        references,
    )
