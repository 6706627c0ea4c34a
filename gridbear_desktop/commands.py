"""The commands of `gridbear` that typer presents: those on data, which `server.cli` brings, and the overview."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import typer
from typer.exceptions import TyperException

from gridbear_desktop import fast_commands
from gridbear_desktop.autostart_commands import autostart
from gridbear_desktop.completion import PROGRAM, completion_command, know_options, know_shells
from gridbear_desktop.streams import leave_stdout
from gridbear_desktop.uninstall_command import uninstall_command
from gridbear_desktop.usage import of_typer, where_options_go
from server.cli import app as data_commands
from server.cli.doctor_commands import MORE_LOOKS
from server.errors import GridBearError, StartupError

PASS_ON = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}


def build() -> typer.Typer:
    """`serve` and `window` are listed here for `--help`; `fast_commands` runs them without coming here."""
    app = typer.Typer(
        name=PROGRAM,
        help=(
            "A personal server in your tray. Without a command: tray and window, or headless without a display; then "
            "--minimized, --safe, --data-dir, --host and --port are understood. --version prints the version."
        ),
        epilog="Exit codes: 0 done; 1 failed; 2 wrong use, or it cannot start; 3 it exists already.",
        no_args_is_help=False,
        add_completion=False,
        pretty_exceptions_enable=False,
    )

    @app.command(context_settings=PASS_ON)
    def serve(context: typer.Context) -> None:
        """Run the server without tray and window."""
        raise typer.Exit(fast_commands.serve_main(context.args))

    @app.command(context_settings=PASS_ON)
    def window(context: typer.Context) -> None:
        """Open the window of the running server."""
        raise typer.Exit(fast_commands.window_main(context.args))

    @app.command(context_settings=PASS_ON)
    def mcp(context: typer.Context) -> None:
        """Serve the tools to an AI client that starts a program; starts GridBear if it isn't running."""
        raise typer.Exit(fast_commands.mcp_main(context.args))

    app.command("completion")(completion_command)
    if _desktop_looks not in MORE_LOOKS:
        MORE_LOOKS.append(_desktop_looks)
    app.add_typer(autostart, name="autostart")
    app.command("uninstall")(uninstall_command)
    for command in data_commands.registered_commands:
        app.registered_commands.append(command)
    for group in data_commands.registered_groups:
        app.registered_groups.append(group)
    return app


def _desktop_looks() -> Iterator[Any]:
    from gridbear_desktop.desktop_checks import desktop_findings  # which only the doctor needs

    return desktop_findings()


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; errors are one sentence on stderr."""
    whole = typer.main.get_command(build())
    if fast_commands.COMPLETION_VARIABLE in os.environ:
        know_shells()
        know_options(whole)
    try:
        result = whole.main(arguments, prog_name=PROGRAM, standalone_mode=False)
    except StartupError as error:
        return _failed(error.message, 2)
    except GridBearError as error:
        return _failed(error.message, 1)
    except TyperException as error:
        return _failed(where_they_go(arguments) or of_typer(error), error.exit_code)
    except OSError as error:
        # Such as a full disk under a redirected answer.
        leave_stdout()
        where = f"{error.filename}: " if error.filename else ""
        return _failed(f"{where}{error.strerror or error}.", 1)
    except typer.Abort:
        return _failed("stopped", 1)
    return result if isinstance(result, int) else 0


def where_they_go(arguments: list[str]) -> str | None:
    """What is said when options of a command stand before it, else None."""
    whole = typer.main.get_command(build())
    know_options(whole)
    return where_options_go(whole, arguments)


def _failed(message: str, code: int) -> int:
    print(f"gridbear: {message}", file=sys.stderr, flush=True)
    return code
