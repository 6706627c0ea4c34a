"""What is said of wrong use: one sentence, and where to read on."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NoReturn

from server.errors import StartupError

if TYPE_CHECKING:
    from typer.exceptions import TyperException  # typer takes 80 ms, which a server start need not pay


class WrongUse(StartupError):
    """A command was not understood."""


class Parser(argparse.ArgumentParser):
    """The parser of a command that does without typer. Wrong use raises WrongUse."""

    def error(self, message: str) -> NoReturn:
        raise WrongUse(f"{_sentence(message)} {_read_on(self.prog)}")


def refuse_no_folder(arguments: Sequence[str]) -> None:
    """Raise StartupError for an empty `--data-dir`, as of an unset variable: it would be the current folder."""
    pairs = pairwise([*arguments, "-"])
    if any(one == "--data-dir=" or (one == "--data-dir" and after == "") for one, after in pairs):
        raise StartupError("--data-dir is empty. Name the folder, or leave the option out for the usual one.")


def of_typer(error: TyperException) -> str:
    """What typer found wrong, in one line."""
    context: Any = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "gridbear"
    inside = getattr(context.command if context is not None else None, "commands", {})
    message = error.format_message()
    if message == "Missing command.":
        names = ", ".join(name for name, one in inside.items() if not one.hidden)
        message = f"`{path}` wants one of {names}."
    return f"{_sentence(message)} {_read_on(path, group=bool(inside))}"


def where_options_go(whole: Any, arguments: Sequence[str]) -> str | None:
    """What is said when options of a command stand before it; None when they are not that command's.

    `whole`: the group of all commands, whose parameters are known.
    """
    command, path = whole, []
    early: list[str] = []
    rest: list[str] = []
    for word in arguments:
        inside = getattr(command, "commands", {})
        if word in inside:
            command = inside[word]
            path.append(word)
        else:
            (early if inside else rest).append(word)
    names = [word.partition("=")[0] for word in early if word.startswith("-")]
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    if not names or not path or getattr(command, "commands", {}) or not known.issuperset(names):
        return None
    right = shlex.join(["gridbear", *path, *rest, *early])
    return f"Options go behind the command that they are of: `{right}`."


def _sentence(text: str) -> str:
    text = " ".join(text.replace("Value error, ", "").split())
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")


def _read_on(path: str, *, group: bool = False) -> str:
    return f"`{path} --help` lists the commands." if group else f"`{path} --help` tells how it is used."
