"""Access rules: what an admin has decided otherwise than a model's own defaults."""

from __future__ import annotations

from sqlalchemy import Integer, Text, bindparam, select
from sqlalchemy.orm import Mapped

from server.db.statements import compile_sql
from server.db.types import ChoiceText, TagsText
from server.models.base import VERBS, WRITES, Base, ModelOptions, Record, field

ANY_VERB = "any"


class AccessRule(Record, Base):
    __tablename__ = "access_rules"
    __options__ = ModelOptions(
        label="Access rule",
        label_plural="Access rules",
        description="Who may do what with the records of a model. A rule for a role replaces the model's default for "
        "it; a rule for a group gives its people more.",
        group="system",
        audited=WRITES,
        title_field="model",
        history=True,
        guarded=True,
    )

    role: Mapped[str | None] = field(
        Text, label="Role", max_length=64, help="Whom the rule is for: a role such as member, or a group."
    )
    group_id: Mapped[int | None] = field(Integer, label="Group", references="groups", on_delete="CASCADE")
    model: Mapped[str] = field(Text, label="Model", required=True, max_length=64, index=True)
    verb: Mapped[str] = field(
        ChoiceText(ANY_VERB, *VERBS), label="What", default=ANY_VERB, help="`any` stands for all five."
    )
    extent: Mapped[str] = field(
        ChoiceText("none", "own", "all"), label="Records", required=True, help="No records, their own, or all."
    )
    hidden_fields: Mapped[str] = field(
        TagsText,
        label="Hidden fields",
        default=[],
        item_type="text",
        help="Fields that they neither see nor change, search, sort or count by.",
    )


def same_rules_sql() -> str:
    """The ids of the rules for the same `role`, `group_id`, `model` and `verb`."""
    table = AccessRule.__table__
    subject = (table.c[name].is_not_distinct_from(bindparam(name)) for name in ("role", "group_id"))
    case = (table.c[name] == bindparam(name) for name in ("model", "verb"))
    return compile_sql(select(table.c.id).where(*subject, *case))
