from __future__ import annotations

from sqlalchemy import Float, Text
from sqlalchemy.orm import Mapped

from server.plugin_api import Base, ModelOptions, Record, field


class Reading(Record, Base):
    __tablename__ = "weather_log_readings"
    __options__ = ModelOptions(
        label="Reading",
        label_plural="Weather log",
        description="What the weather was.",
        group="plugins",
        title_field="city",
    )

    city: Mapped[str] = field(Text, label="City", required=True, index=True)
    degrees: Mapped[float] = field(Float, label="Degrees", required=True)
    sky: Mapped[str | None] = field(Text, label="Sky")
