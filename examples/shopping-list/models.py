from __future__ import annotations

from sqlalchemy import Boolean, Integer, Text
from sqlalchemy.orm import Mapped

from server.plugin_api import Base, ChoiceText, ModelOptions, Record, field


class Item(Record, Base):
    __tablename__ = "shopping_list_items"
    __options__ = ModelOptions(
        label="Item",
        label_plural="Shopping list",
        description="What is to be bought.",
        group="plugins",
        title_field="what",
    )

    what: Mapped[str] = field(Text, label="What", required=True, max_length=200)
    amount: Mapped[int] = field(Integer, label="How many", default=1)
    shop: Mapped[str] = field(ChoiceText("market", "bakery", "other"), label="Shop", default="other")
    bought: Mapped[bool] = field(Boolean, label="Bought", default=False)
