"""Tables of the plugin. Each is a model: in the UI, in REST at /api/v1/my_plugin_items, and under the access rules."""

from __future__ import annotations

from sqlalchemy import Boolean, Text
from sqlalchemy.orm import Mapped

from server.plugin_api import Base, ModelOptions, Record, field


class Item(Record, Base):
    __tablename__ = "my_plugin_items"
    __options__ = ModelOptions(
        label="Item", label_plural="Items", description="Things to do, of My plugin.", group="plugins"
    )

    title: Mapped[str] = field(Text, label="Title", required=True, max_length=200)
    done: Mapped[bool] = field(Boolean, label="Done", default=False)
