from __future__ import annotations

from sqlalchemy import Integer, Text
from sqlalchemy.orm import Mapped

from server.plugin_api import OWN, Base, ChoiceText, DateTimeText, ModelOptions, Owned, Record, TagsText, UrlText, field


class Shelf(Owned, Record, Base):
    __tablename__ = "reading_list_shelves"
    __options__ = ModelOptions(
        label="Shelf", label_plural="Shelves", description="Where books stand.", group="plugins", access={"member": OWN}
    )

    name: Mapped[str] = field(Text, label="Name", required=True, max_length=100, unique_per_owner=True)


class Book(Owned, Record, Base):
    __tablename__ = "reading_list_books"
    __options__ = ModelOptions(
        label="Book",
        label_plural="Books",
        description="Books to read, and what was thought of them.",
        group="plugins",
        title_field="title",
        access={"member": OWN},
        history=True,
    )

    title: Mapped[str] = field(Text, label="Title", required=True, searchable=True, max_length=300)
    author: Mapped[str | None] = field(Text, label="Author", searchable=True)
    state: Mapped[str] = field(ChoiceText("wanted", "reading", "read"), label="State", default="wanted")
    stars: Mapped[int | None] = field(Integer, label="Stars", minimum=1, maximum=5)
    tags: Mapped[list[str]] = field(TagsText, label="Tags", default=[])
    link: Mapped[str | None] = field(UrlText, label="Link")
    read_at: Mapped[str | None] = field(DateTimeText, label="Read on")
    shelf_id: Mapped[int | None] = field(
        Integer, label="Shelf", references="reading_list_shelves", on_delete="SET NULL"
    )
