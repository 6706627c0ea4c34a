"""Writes the table of settings in docs/operators.md from the settings themselves."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
GUIDE = ROOT / "docs" / "operators.md"
BEGIN, END = "<!-- settings: written by packaging/settings_table.py -->\n", "<!-- end of settings -->\n"


def table(fields: list[Any]) -> str:
    """The settings as rows of Markdown."""
    rows = ["| Variable | Default | Meaning | A change applies |", "|---|---|---|---|"]
    for field in fields:
        applies = "at once" if field.applies == "live" else "after a restart"
        rows.append(f"| `{field.env}` | {_default(field)} | {field.help} | {applies} |")
    return "\n".join(rows) + "\n"


def _default(field: Any) -> str:
    if field.name == "data_dir":
        return "the platform's data folder"
    if field.default in ("", None):
        return "none"
    return f"`{field.default:g}` {field.unit}".strip() if isinstance(field.default, float) else _plain(field)


def _plain(field: Any) -> str:
    if field.unit == "B" and field.default % (1 << 20) == 0:
        return f"`{field.default}` ({field.default >> 20} MiB)"
    return f"`{field.default}` {field.unit}".strip()


def with_table(guide: str, fields: list[Any]) -> str:
    """The guide's text with its table replaced by the present one."""
    before, rest = guide.split(BEGIN)
    return before + BEGIN + table(fields) + END + rest.split(END)[1]


def main() -> None:
    sys.path.insert(0, str(ROOT))
    from server.config import setting_fields  # found only now that the checkout is on the path

    GUIDE.write_text(with_table(GUIDE.read_text("utf-8"), setting_fields()), "utf-8", newline="\n")


if __name__ == "__main__":
    main()
