from __future__ import annotations

from sqlalchemy import Text
from sqlalchemy.orm import Mapped

from server.plugin_api import Base, ModelOptions, Record, field


class Star(Record, Base):
    __tablename__ = "github_stars_stars"
    __options__ = ModelOptions(
        label="Star",
        label_plural="GitHub stars",
        description="Who starred what.",
        group="plugins",
        title_field="who",
    )

    delivery: Mapped[str] = field(Text, label="Delivery", required=True, unique=True)
    repository: Mapped[str] = field(Text, label="Repository", required=True)
    who: Mapped[str] = field(Text, label="Who", required=True)
