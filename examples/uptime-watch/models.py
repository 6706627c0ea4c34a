from __future__ import annotations

from sqlalchemy import Boolean, Float, Integer, Text
from sqlalchemy.orm import Mapped

from server.plugin_api import Base, ChoiceText, DateTimeText, JsonText, ModelOptions, Record, UrlText, field


class Site(Record, Base):
    __tablename__ = "uptime_watch_sites"
    __options__ = ModelOptions(
        label="Site",
        label_plural="Sites",
        description="Addresses that should answer.",
        group="plugins",
        access={"member": {"list": "all", "read": "all"}},
    )

    name: Mapped[str] = field(Text, label="Name", required=True, unique=True, max_length=100)
    url: Mapped[str] = field(UrlText, label="Address", required=True)
    state: Mapped[str] = field(ChoiceText("new", "up", "down"), label="State", default="new", read_only=True)
    since: Mapped[str | None] = field(DateTimeText, label="Since", read_only=True)
    report: Mapped[dict[str, object] | None] = field(JsonText, label="Report", read_only=True)


class Look(Record, Base):
    __tablename__ = "uptime_watch_looks"
    __options__ = ModelOptions(
        label="Look",
        label_plural="Looks",
        description="What a site answered.",
        group="plugins",
        title_field="id",
        access={"member": {"list": "all", "read": "all"}},
        verbs=("list", "read"),
    )

    site_id: Mapped[int] = field(
        Integer, label="Site", required=True, references="uptime_watch_sites", on_delete="CASCADE", index=True
    )
    up: Mapped[bool] = field(Boolean, label="Up", default=False)
    milliseconds: Mapped[float | None] = field(Float, label="Milliseconds")
    note: Mapped[str | None] = field(Text, label="Note")
