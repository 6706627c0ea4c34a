"""Writes docs/cli.md from the commands themselves: what `gridbear --help` says, on one page."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import cli_commands

PAGE = cli_commands.ROOT / "docs" / "cli.md"
HEAD = """# The command line

Written by `packaging/cli_page.py` from the commands themselves; `gridbear COMMAND --help` says the same. \
[Running GridBear](operators.md) tells what they are for.

"""


def page() -> str:
    """The whole page."""
    codes = "\n".join(f"| {code} | {meaning} |" for code, meaning in cli_commands.EXIT_CODES)
    head = f"{HEAD}{cli_commands.STREAMS}\n\n| Exit code | Means |\n|---|---|\n{codes}\n\n"
    return head + "\n".join(_part(section) for section in cli_commands.sections())


def _part(section: cli_commands.Section) -> str:
    lines = [f"## {section.usage}", "", section.text]
    if section.rows:
        lines += ["", "| | |", "|---|---|"]
        lines += [f"| `{_cell(name)}` | {_cell(told)} |" for name, told in section.rows]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    PAGE.write_text(page(), "utf-8", newline="\n")


if __name__ == "__main__":
    main()
