from __future__ import annotations

from sqlalchemy import Float, Text
from sqlalchemy.orm import Mapped

from server.plugin_api import Base, ChoiceText, DateTimeText, FileReference, ModelOptions, Record, field


class Invoice(Record, Base):
    __tablename__ = "invoice_inbox_invoices"
    __options__ = ModelOptions(
        label="Invoice",
        label_plural="Invoices",
        description="What came from the shop.",
        group="plugins",
        title_field="number",
    )

    number: Mapped[str] = field(Text, label="Number", required=True, unique=True, max_length=100)
    sender: Mapped[str] = field(Text, label="From", required=True, searchable=True)
    amount: Mapped[float] = field(Float, label="Amount", required=True, minimum=0)
    currency: Mapped[str] = field(
        Text, label="Currency", default="EUR", pattern="[A-Z]{3}", pattern_help="Three capital letters, such as EUR."
    )
    due_at: Mapped[str] = field(DateTimeText, label="Due", required=True)
    state: Mapped[str] = field(ChoiceText("open", "told", "paid"), label="State", default="open")
    document: Mapped[int | None] = field(FileReference, label="Document", accept=("text/plain",), max_bytes=1_000_000)
