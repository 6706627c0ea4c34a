"""`gridbear completion SHELL`: the script that makes a shell complete our commands and options."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from gridbear_desktop.cli import COMPLETION_VARIABLE

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
