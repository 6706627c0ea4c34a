"""Models that people make at run time: their definition as data, and the table that it describes."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Boolean, Column, Float, ForeignKey, Integer, MetaData, Table, Text, UniqueConstraint

from server.db.types import (
    Bytes,
    ChoiceText,
    DateText,
    DateTimeText,
    EmailText,
    FileReference,
    JsonText,
    LongText,
    TagsText,
    UrlText,
)
from server.models.base import (
    EVERYTHING,
    NOTHING,
    OWN,
    Base,
    Extent,
    FieldInfo,
    ModelOptions,
    Rules,
    complete_table,
)
from server.models.icons import ModelIcon
from server.models.registry import RESERVED_MODEL_NAMES, ModelSpec, model_spec
from server.models.stored_file import FILES_TABLE
from server.setting_fields import MEDIA_RANGE

OwnFieldType = Literal[
    "text", "long_text", "integer", "number", "boolean", "date", "datetime", "choice", "json", "tags", "email", "url",
    "relation", "file", "bytes",
]  # fmt: skip
MAX_FIELDS = 200
_NAME = re.compile(r"[a-z](_?[a-z0-9])*")
_RULES: dict[Extent, Rules] = {"none": NOTHING, "own": OWN, "all": EVERYTHING}
_TYPES: dict[str, Any] = {
    "text": Text, "long_text": LongText, "integer": Integer, "number": Float, "boolean": Boolean, "date": DateText,
    "datetime": DateTimeText, "json": JsonText, "tags": TagsText, "email": EmailText, "url": UrlText,
    "relation": Integer, "file": FileReference, "bytes": Bytes,
}  # fmt: skip
_TEXTS = frozenset(("text", "long_text", "email", "url"))
_SHARED = frozenset(("id", "owner_id", "created_at", "updated_at"))
MAX_NAME = 48
# A field of such a name could not be filtered by, for the parameter means something else.
PARAMETER_NAMES = frozenset(
    ("limit", "offset", "sort", "fields", "expand", "cursor", "total", "domain", "q", "all", "dry_run", "upsert",
     "group_by", "count", "sum", "avg", "min", "max", "format", "mode", "confirm")
)  # fmt: skip

NAMES_OF_THE_INDEX = frozenset(("rank", "rowid"))

Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
Label = Annotated[str, Field(min_length=1, max_length=100)]


class OwnField(BaseModel):
    """One field of an own model."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    type: OwnFieldType
    label: Label | None = None
    help: Annotated[str, Field(max_length=1000)] = ""
    required: bool = False
    unique: bool | Literal["global"] = False
    """True: no two records of one person have the same value; `global`: no two records at all."""
    default: Any = None
    indexed: bool = False
    searchable: bool = False
    choices: Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=200)] = []
    references: str | None = None
    on_delete: Literal["restrict", "set_null", "cascade"] = "restrict"
    """What becomes of this record when the one that it refers to is deleted."""
    max_length: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    minimum: int | float | None = None
    maximum: int | float | None = None
    accept: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=50)] = []
    """Types that a file may have, such as `image/*` or `application/pdf`; none: any."""
    max_bytes: Annotated[int, Field(ge=1, le=1 << 40)] | None = None
    """How large a file may be."""

    @model_validator(mode="after")
    def _fits_together(self) -> OwnField:
        if _NAME.fullmatch(self.name) is None:
            raise ValueError("a name has small letters, digits and single _ between them, the first a letter")
        if self.name in _SHARED | PARAMETER_NAMES:
            raise ValueError(f"{self.name} is taken; choose another name")
        if (self.type == "choice") != bool(self.choices):
            raise ValueError("choices are for fields of type choice, and these want some")
        if any("\\" in choice or "\x00" in choice for choice in self.choices):
            raise ValueError("choices have no backslash and no NUL")
        if len(set(self.choices)) < len(self.choices):
            raise ValueError("each choice may be there once")
        if (self.type == "relation") != (self.references is not None):
            raise ValueError("references names the model that a relation refers to, and only relations have it")
        if self.searchable and self.type not in _TEXTS:
            raise ValueError("only texts are searchable")
        if self.searchable and self.name in NAMES_OF_THE_INDEX:
            raise ValueError(f"{self.name} can't be searchable: the index of full text has the name itself")
        if self.type in ("json", "tags", "bytes") and (self.unique or self.indexed):
            raise ValueError(f"{self.type} can't be unique or indexed")
        if self.required and self.on_delete == "set_null":
            raise ValueError("a required relation can't be emptied: restrict or cascade is possible")
        if self.max_length is not None and self.type not in _TEXTS | {"bytes"}:
            raise ValueError("max_length is for texts and bytes")
        if (self.minimum is not None or self.maximum is not None) and self.type not in ("integer", "number"):
            raise ValueError("minimum and maximum are for numbers")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError("no number is at least minimum and at most maximum")
        if self.type != "file" and (self.accept or self.max_bytes is not None):
            raise ValueError("accept and max_bytes are for files")
        if self.type == "file" and (self.default is not None or self.on_delete != "restrict"):
            raise ValueError("a file has no default, and can't be deleted while a record refers to it")
        if any(MEDIA_RANGE.fullmatch(kind) is None for kind in self.accept):
            raise ValueError("accept has types such as image/* and application/pdf, in small letters")
        return self


class OwnDefinition(BaseModel):
    """A model as somebody has declared it."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    label: Label
    label_plural: Label | None = None
    description: Annotated[str, Field(max_length=2000)] = ""
    icon: ModelIcon | None = None
    """None: one that suits its fields."""
    title_field: str | None = None
    owned: bool = True
    """Records belong to whoever makes them."""
    history: bool = True
    history_days: Annotated[int, Field(ge=1, le=36500)] | None = None
    """How long changes are kept; None: as the setting `history_days` says."""
    members: Extent = "own"
    """What members may do with records by default; access rules can say otherwise."""
    guests: Extent = "none"
    fields: Annotated[list[OwnField], Field(min_length=1, max_length=MAX_FIELDS)]

    @model_validator(mode="after")
    def _fits_together(self) -> OwnDefinition:
        if _NAME.fullmatch(self.name) is None or self.name.startswith(("sqlite_", "gridbear_")):
            raise ValueError("a name has small letters, digits and single _ between them, the first a letter")
        if self.name in RESERVED_MODEL_NAMES:
            raise ValueError(f"{self.name} is taken by an address of this server; choose another name")
        names = [field.name for field in self.fields]
        if len(set(names)) < len(names):
            raise ValueError("each field name may be there once")
        if self.title_field is not None and self.title_field not in names:
            raise ValueError("title_field is none of the fields")
        if self.history_days is not None and not self.history:
            raise ValueError("history_days is for models with a history")
        if not self.owned and (self.members == "own" or self.guests == "own"):
            raise ValueError("without owners nobody has own records: members and guests get none or all")
        return self


def own_spec(definition: OwnDefinition, metadata: MetaData) -> ModelSpec:
    """The model of a definition, its table put into `metadata`, which has the tables that it refers to."""
    if definition.name in metadata.tables:
        metadata.remove(metadata.tables[definition.name])
    columns = [_shared("id"), *(_column(field, definition) for field in definition.fields)]
    constraints = [
        UniqueConstraint("owner_id", field.name) for field in definition.fields if _per_owner(field, definition)
    ]
    if definition.owned:
        columns.append(_shared("owner_id"))
    table = Table(definition.name, metadata, *columns, _shared("created_at"), _shared("updated_at"), *constraints)
    complete_table(table)
    title = definition.title_field or next(
        (field.name for field in definition.fields if field.type in _TEXTS), definition.fields[0].name
    )
    options = ModelOptions(
        label=definition.label,
        label_plural=definition.label_plural or definition.label,
        description=definition.description,
        icon=definition.icon,
        title_field=title,
        access={"member": _RULES[definition.members], "guest": _RULES[definition.guests]},
        history=definition.history,
        history_days=definition.history_days,
        made_here=True,
    )
    return model_spec(table, options)


def _per_owner(field: OwnField, definition: OwnDefinition) -> bool:
    return field.unique is True and definition.owned


def _column(field: OwnField, definition: OwnDefinition) -> Column[Any]:
    info = FieldInfo(
        label=field.label or field.name.replace("_", " ").capitalize(),
        help=field.help,
        required=field.required,
        searchable=field.searchable,
        unique_per_owner=_per_owner(field, definition),
        max_length=field.max_length,
        minimum=field.minimum,
        maximum=field.maximum,
        item_type="text" if field.type == "tags" else None,
        default=field.default,
        accept=tuple(field.accept),
        max_bytes=field.max_bytes,
    )
    kind = ChoiceText(*field.choices) if field.type == "choice" else _TYPES[field.type]()
    target = FILES_TABLE if field.type == "file" else field.references
    keys = [] if target is None else [ForeignKey(f"{target}.id", ondelete=field.on_delete.replace("_", " ").upper())]
    return Column(
        field.name,
        kind,
        *keys,
        nullable=not field.required and field.default is None,
        unique=(bool(field.unique) and not info.unique_per_owner) or None,
        index=(field.indexed or target is not None) or None,
        info={"field": info},
    )


def _shared(name: str) -> Column[Any]:
    """A column that every model has, as the program's own models declare it."""
    source: Column[Any] = Base.metadata.tables["notes"].c[name]
    keys = [ForeignKey("users.id", ondelete="RESTRICT")] if name == "owner_id" else []
    return Column(
        name, source.type, *keys, primary_key=source.primary_key, nullable=source.nullable, index=source.index,
        info=dict(source.info),
    )  # fmt: skip
