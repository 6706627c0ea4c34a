"""Writes docs/cli.md from the commands themselves: what `gridbear --help` says, on one page."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "cli.md"
HEAD = """# The command line

Written by `packaging/cli_page.py` from the commands themselves; `gridbear COMMAND --help` says the same. \
[Running GridBear](operators.md) tells what they are for.

Commands on data ask the server of the data folder when it runs. When it does not, they lock the folder and work on \
it directly; never both. What they print for people goes to stdout, what went wrong is one sentence on stderr that \
says what to do. With `--json` stdout has one JSON \
value and nothing else.

| Exit code | Means |
|---|---|
| 0 | done |
| 1 | failed, or stopped by a no; of `doctor`: something needs a person |
| 2 | wrong use, or the folder or the server can't be used as it is |
| 3 | it exists already; nothing was changed. Of `service status`: it does not run |

"""


def page() -> str:
    """The whole page."""
    sys.path.insert(0, str(ROOT))
    import typer

    from gridbear_desktop import fast_commands
    from gridbear_desktop.commands import build

    parsers = {
        "gridbear": fast_commands.tray_parser(),
        "gridbear serve": fast_commands.serve_parser(),
        "gridbear window": fast_commands.window_parser(),
        "gridbear mcp": fast_commands.mcp_parser(),
    }
    parts = [_of_parser(name, parser) for name, parser in parsers.items()]
    commands = _commands("gridbear", typer.main.get_command(build()))
    parts += [_of_command(name, command) for name, command in commands if name not in parsers]
    return HEAD + "\n".join(parts)


def _commands(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    """Every command that is not hidden with its words; a group that does something by itself comes first."""
    inside = getattr(command, "commands", None)
    if inside is None or (getattr(command, "invoke_without_command", False) and command.callback and " " in path):
        yield path, command
    for name, one in (inside or {}).items():
        if not one.hidden:
            yield from _commands(f"{path} {name}", one)


def _of_command(name: str, command: Any) -> str:
    arguments, options = [], []
    for one in command.params:
        if one.name == "help" or getattr(one, "hidden", False):
            continue
        if one.param_type_name == "argument":
            word = (one.metavar or one.name.rstrip("_").upper()).strip("[]")
            arguments.append((word if one.required else f"[{word}]", one.help))
        else:
            value = "" if one.is_flag else f" {_value(one)}"
            options.append((f"{', '.join(one.opts)}{value}", one.help))
    usage = " ".join([name, *(word for word, _ in arguments)])
    return _section(usage, command.help or "", [*arguments, *options])


def _value(option: Any) -> str:
    kind = option.type_descriptor.annotation
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "|".join(str(one.value) for one in kind)
    return {Path: "PATH", float: "NUMBER", int: "NUMBER"}.get(kind, "TEXT")


def _of_parser(name: str, parser: argparse.ArgumentParser) -> str:
    rows = []
    for one in parser._actions:
        if one.help in (None, argparse.SUPPRESS) or one.dest == "help":
            continue
        value = "" if one.nargs == 0 else f" {'|'.join(one.choices) if one.choices else one.dest.upper()}"
        rows.append((f"{', '.join(one.option_strings)}{value}", one.help))
    return _section(name, parser.description or "", rows)


def _section(usage: str, help_: str, rows: Sequence[tuple[str, str | None]]) -> str:
    lines = [f"## {usage}", "", " ".join(help_.split())]
    if rows:
        lines += ["", "| | |", "|---|---|"]
        lines += [f"| `{_cell(name)}` | {_cell(_sentence(text or ''))} |" for name, text in rows]
    return "\n".join(lines) + "\n"


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith(".") or not text else f"{text}."


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    PAGE.write_text(page(), "utf-8", newline="\n")


if __name__ == "__main__":
    main()
