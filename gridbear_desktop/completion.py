"""`gridbear completion SHELL`: the script that makes a shell complete our commands and options."""

from __future__ import annotations

import argparse
import inspect
from enum import StrEnum
from typing import Annotated, Any

import typer

from gridbear_desktop.fast_commands import (
    COMPLETION_VARIABLE,
    mcp_parser,
    serve_parser,
    tray_parser,
    window_parser,
)

PROGRAM = "gridbear"


class Shell(StrEnum):
    """Shells that can complete."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"
    powershell = "powershell"


def completion_command(shell: Annotated[Shell, typer.Argument(help="The shell that is to complete.")]) -> None:
    """Print the script that makes a shell complete `gridbear`. Nothing is written.

    bash: source <(gridbear completion bash). zsh: the same after compinit. fish: gridbear completion fish | source.
    PowerShell: gridbear completion powershell | Out-String | Invoke-Expression. To keep it, put that line into the
    file that your shell reads at its start.
    """
    from typer._completion_shared import get_completion_script

    typer.echo(get_completion_script(prog_name=PROGRAM, complete_var=COMPLETION_VARIABLE, shell=shell.value))


def know_shells() -> None:
    """Let typer answer the scripts above. It does so by itself only for apps that install them into files."""
    from typer._completion_classes import completion_init

    completion_init()


def know_options(whole: Any) -> None:
    """Tell the commands of `whole` what is understood without typer: a shell completes that too."""
    parsers = {
        "serve": serve_parser(),
        "window": window_parser(),
        "mcp": mcp_parser(),
    }
    for command, parser in [
        (whole, tray_parser()),
        *((whole.commands[name], it) for name, it in parsers.items()),
    ]:
        command.params += _options(parser)


def _options(parser: argparse.ArgumentParser) -> list[Any]:
    """The options of `parser` that are no secret, as typer makes them of a function's parameters."""
    parameters = [
        inspect.Parameter(
            action.dest,
            inspect.Parameter.KEYWORD_ONLY,
            default=typer.Option(False if action.nargs == 0 else "", *action.option_strings, help=action.help),
            annotation=bool if action.nargs == 0 else str,
        )
        for action in parser._actions
        if action.help != argparse.SUPPRESS and action.dest != "help"
    ]

    def taking_them(**_given: Any) -> None:
        return

    # typer reads the options from the signature, which is made here; a function of ours has none of them.
    command: Any = taking_them
    command.__signature__ = inspect.Signature(parameters)
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    app = typer.Typer(add_completion=False)
    app.command()(command)
    return list(typer.main.get_command(app).params)
