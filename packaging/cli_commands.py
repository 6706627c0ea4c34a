"""What `gridbear` understands, asked of the commands themselves: for the page in docs and the manual page."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
EXIT_CODES = (
    ("0", "done"),
    ("1", "failed, or stopped by a no; of `doctor`: something needs a person"),
    ("2", "wrong use, or the folder or the server can't be used as it is"),
    ("3", "it exists already; nothing was changed. Of `service status`: it does not run"),
)
STREAMS = (
    "Commands on data ask the server of the data folder when it runs. When it does not, they lock the folder and work "
    "on it directly; never both. What they print for people goes to stdout, what went wrong is one sentence on stderr "
    "that says what to do. With `--json` stdout has one JSON value and nothing else."
)


@dataclass(frozen=True, slots=True)
class Section:
    """One command: its words with arguments, its sentence, and what each argument and option means."""

    usage: str
    text: str
    rows: list[tuple[str, str]]


def sections() -> list[Section]:
    """Every command that is not hidden; `gridbear` alone comes first."""
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
    return parts


def _commands(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    """Every command that is not hidden with its words; a group that does something by itself comes first."""
    inside = getattr(command, "commands", None)
    if inside is None or (getattr(command, "invoke_without_command", False) and command.callback and " " in path):
        yield path, command
    for name, one in (inside or {}).items():
        if not one.hidden:
            yield from _commands(f"{path} {name}", one)


def _of_command(name: str, command: Any) -> Section:
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
    return _section(usage, command.help, [*arguments, *options])


def _value(option: Any) -> str:
    kind = option.type_descriptor.annotation
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "|".join(str(one.value) for one in kind)
    return {Path: "PATH", float: "NUMBER", int: "NUMBER"}.get(kind, "TEXT")


def _of_parser(name: str, parser: argparse.ArgumentParser) -> Section:
    rows = []
    for one in parser._actions:
        if one.help in (None, argparse.SUPPRESS) or one.dest == "help":
            continue
        value = "" if one.nargs == 0 else f" {'|'.join(one.choices) if one.choices else one.dest.upper()}"
        rows.append((f"{', '.join(one.option_strings)}{value}", one.help))
    return _section(name, parser.description, rows)


def _section(usage: str, text: str | None, rows: Sequence[tuple[str, str | None]]) -> Section:
    return Section(usage, " ".join((text or "").split()), [(name, _sentence(told or "")) for name, told in rows])


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith(".") or not text else f"{text}."
