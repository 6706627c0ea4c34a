"""Tables of figures, as Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "performance.md"


@dataclass(frozen=True, slots=True)
class Table:
    """Columns, and rows of as many texts; only the first column is no number."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """The table with a line break at its end."""
        lines = [self.head, ["---", *["---:"] * (len(self.head) - 1)], *self.rows]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def ratio(ours: float, theirs: float | None) -> str:
    """How many times theirs ours is."""
    return "–" if not theirs else f"{ours / theirs:.1f}×"


def replace_section(section: str, text: str, document: Path = DOCUMENT) -> None:
    """Put `text` between the markers of `section` in the document. Raises ValueError when they are not there."""
    begin, end = f"<!-- bench: {section} -->\n", f"<!-- end: {section} -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    present = document.read_text(encoding="utf-8")
    if len(pattern.findall(present)) != 1:
        raise ValueError(f"{document} wants the markers {begin.strip()} and {end} once, in this order")
    document.write_text(pattern.sub(lambda _: begin + text + end, present), encoding="utf-8")
