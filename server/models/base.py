"""What every model is made of: the declarative base, `field`, the shared columns and the options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from difflib import get_close_matches
from typing import Any, Literal

from sqlalchemy import CheckConstraint, ForeignKey, Integer, MetaData, Table, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from server.db.search import SEARCHABLE
from server.db.types import DateTimeText, FileReference, check_clause
from server.models.icons import ModelIcon

Verb = Literal["list", "read", "create", "update", "delete"]
WriteVerb = Literal["create", "update", "delete"]
Extent = Literal["none", "own", "all"]
EXTENTS: tuple[Extent, ...] = ("none", "own", "all")
"""From the narrowest to the widest."""
Rules = Mapping[Verb, Extent]
Group = Literal["yours", "plugins", "system"]

OWNER_COLUMN = "owner_id"
WRITES: tuple[WriteVerb, ...] = ("create", "update", "delete")
VERBS: tuple[Verb, ...] = ("list", "read", "create", "update", "delete")
NOTHING: Rules = dict.fromkeys(VERBS, "none")
EVERYTHING: Rules = dict.fromkeys(VERBS, "all")
OWN: Rules = dict.fromkeys(VERBS, "own")
READ_OWN: Rules = {**NOTHING, "list": "own", "read": "own"}


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """What a column means to people: kept in the column's `info`."""

    label: str
    help: str = ""
    required: bool = False
    read_only: bool = False
    """Kept by the server."""
    create_only: bool = False
    """Given when the record is made, fixed afterwards."""
    write_only: bool = False
    """Goes in and never comes out. Lies sealed in the file, unless `hashed`."""
    hashed: bool = False
    """Only a hash of it is stored."""
    hidden: bool = False
    """Not part of any surface."""
    admin_only: bool = False
    """Only admins may write it."""
    searchable: bool = False
    """`q` looks into it."""
    unique_per_owner: bool = False
    """No two records of one person have the same value."""
    max_length: int | None = None
    minimum: int | float | None = None
    maximum: int | float | None = None
    pattern: str | None = None
    pattern_help: str = ""
    item_type: str | None = None
    accept: tuple[str, ...] = ()
    """Types that a file may have, such as `image/*`; none: any."""
    max_bytes: int | None = None
    """How large a file may be."""
    default: Any = None
    """The value an omitted field gets, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """What a model tells beside its columns."""

    label: str
    label_plural: str
    description: str
    group: Group = "yours"
    icon: ModelIcon | None = None
    """None: one that suits its fields."""
    title_field: str = "name"
    access: Mapping[str, Rules] = dataclass_field(default_factory=dict)
    """Rules by role (`member`, `guest`): verb to `none`, `own` or `all`. Admins pass all verbs that the model offers;
    a role or a verb that is not named is `none`."""
    verbs: tuple[Verb, ...] = VERBS
    """Verbs that exist at all on this model's REST surface."""
    owner_column: str | None = None
    """The column that says whose a row is; `Owned` sets `owner_id`."""
    log_cap_setting: str | None = None
    """The setting that caps the bytes of this log-like model; the oldest rows go first."""
    log_keeps: tuple[str, tuple[str, ...]] | None = None
    """A column and its values in rows of this log-like model that stay whatever the cap says."""
    log_goes_on: bool = False
    """This log-like model takes rows also when the disk is nearly full and the other logs stop."""
    kept_writable: bool = False
    """Rows are made and changed also when the storage guard lets nothing else be written."""
    history: bool = False
    """Changes are kept, and deleted records can be brought back."""
    history_days: int | None = None
    """How long changes are kept; None: as the setting `history_days` says."""
    audited: tuple[WriteVerb, ...] = ()
    """What of its rows is told in `audit_entries` when somebody does it: who, from where, which fields, no values."""
    before_delete: str = ""
    """What to do with records that stand in the way when one of these is deleted. `{id}` is the id of that one."""
    made_here: bool = False
    """Made at run time by a person of this server."""
    tools: Literal["on", "off", "never"] | None = None
    """Whether AI clients reach its records as tools: `on` and `off` are defaults that an admin may change. None: `on`
    for people's data, `never` for what belongs to the system."""
    guarded: bool = False
    """Rules and groups can't let anybody but admins change it: it decides what people may do."""
    opened_by: str | None = None
    """The setting that puts `access` in force; while it is off, only admins do anything with these."""
    by_hand: bool = False
    """Only somebody who is signed in with a session changes it, never a token, an app or a program of theirs: it
    decides what these may do."""
    private: bool = False
    """Rules and groups give nobody more of it than these defaults do, reading included: it signs people in, or tells
    what was hidden from them."""

    def holds(self, verb: Verb) -> bool:
        """Whether rules and groups can't widen the defaults for `verb`."""
        return self.private or (self.guarded and verb in WRITES)


class Base(DeclarativeBase):
    """Declarative base of all models. Every constraint has a name."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )

    __options__: ModelOptions

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        table = cls.__dict__.get("__table__")
        if isinstance(table, Table):
            complete_table(table)


def complete_table(table: Table) -> None:
    """Give every typed column the CHECK of its stored form, what is unique for each owner its constraint, and the
    table ids that are never reused."""
    table.dialect_options["sqlite"]["autoincrement"] = True
    searchable = [
        c.name for c in table.columns if isinstance(c.info.get("field"), FieldInfo) and c.info["field"].searchable
    ]
    table.info[SEARCHABLE] = tuple(searchable)
    for column in table.columns:
        clause = check_clause(f'"{column.name}"', column.type)
        if clause is not None:
            # SQLAlchemy takes `:word` for a parameter, also inside quotes.
            table.append_constraint(CheckConstraint(clause.replace(":", r"\:"), name=column.name))
        info = column.info.get("field")
        if isinstance(info, FieldInfo) and info.unique_per_owner and OWNER_COLUMN in table.c:
            pair = (OWNER_COLUMN, column.name)
            if not any(
                isinstance(it, UniqueConstraint) and tuple(it.columns.keys()) == pair for it in table.constraints
            ):
                table.append_constraint(UniqueConstraint(*pair))


def field(
    type_: Any,
    *,
    label: str,
    unique: bool = False,
    index: bool = False,
    references: str | None = None,
    on_delete: Literal["CASCADE", "RESTRICT", "SET NULL"] = "RESTRICT",
    required: bool = False,
    default: Any = None,
    **info: Any,
) -> Any:
    """A column with its meaning. `default` is the JSON value of an omitted field; see `FieldInfo` for the rest."""
    unknown = [name for name in info if name not in FieldInfo.__dataclass_fields__]
    if unknown:
        near = get_close_matches(unknown[0], FieldInfo.__dataclass_fields__, 1)
        raise TypeError(f"field() knows no {unknown[0]!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    if type_ is FileReference:
        references, on_delete = "files", "RESTRICT"
    arguments: list[Any] = [type_]
    if references is not None:
        arguments.append(ForeignKey(f"{references}.id", ondelete=on_delete))
    return mapped_column(
        *arguments,
        nullable=not required and default is None,
        unique=unique or None,
        index=(index or references is not None) or None,
        info={"field": FieldInfo(label=label, required=required, default=default, **info)},
    )


class Record:
    """The columns that every model has."""

    id: Mapped[int] = mapped_column(
        Integer, primary_key=True, autoincrement=True, info={"field": FieldInfo("Id", read_only=True)}, sort_order=-10
    )
    created_at: Mapped[str] = mapped_column(
        DateTimeText, nullable=False, info={"field": FieldInfo("Created", read_only=True)}, sort_order=90
    )
    updated_at: Mapped[str] = mapped_column(
        DateTimeText, nullable=False, info={"field": FieldInfo("Changed", read_only=True)}, sort_order=91
    )


class Owned:
    """A model whose rows belong to a person."""

    @declared_attr
    def owner_id(cls) -> Mapped[int | None]:
        return mapped_column(
            Integer,
            # A person with records is disabled, not deleted; what happens to their records is asked first.
            ForeignKey("users.id", ondelete=getattr(cls, "__owner_delete__", "RESTRICT")),
            index=True,
            info={"field": FieldInfo("Owner", read_only=True)},
            sort_order=80,
        )
