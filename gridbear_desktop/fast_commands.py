"""Commands that begin without typer and the data commands: the server, the tray, the window and the bridge."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gridbear_desktop.streams import leave_stdout
from gridbear_desktop.usage import Parser
from server.errors import StartupError

COMPLETION_VARIABLE = "_GRIDBEAR_COMPLETE"
"""Set by the scripts of `gridbear completion`; then even a command of these is typer's."""


def _folder_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data-dir", type=Path, help="folder with the database; default: the platform's data folder")
    parser.add_argument("--host", help="address to listen on; default 127.0.0.1, anything but loopback is LAN mode")
    parser.add_argument("--port", type=_port, help="port to listen on; default 8088, or the next free one")


def _port(text: str) -> int:
    # The tray would start a server to find it out, and show the reason in its menu alone.
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise StartupError(f"--port can't be used: {text!r} is no number from 0 to 65535.")
    return int(text)


def _safe_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--safe", action="store_true", help="without plugins, MCP servers and schedules")


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """The settings of the command line, None where not given."""
    return {
        "data_dir": options.data_dir,
        "host": options.host,
        "port": options.port,
        "safe_mode": True if options.safe else None,
    }


def serve_parser() -> argparse.ArgumentParser:
    """What `gridbear serve` understands."""
    parser = Parser("gridbear serve", description="Run the server without tray and window.")
    _folder_options(parser)
    _safe_option(parser)
    parser.add_argument("--watch-stdin", action="store_true", help=argparse.SUPPRESS)
    return parser


def serve_main(arguments: Sequence[str]) -> int:
    """`gridbear serve`."""
    options = serve_parser().parse_args(arguments)
    # All that a start makes stays: looking through it for garbage again and again would take a fifth of its time.
    # `serve` switches it on once the server listens.
    gc.disable()
    from gridbear_desktop.serve import serve  # the server's libraries, which no other command needs

    return serve(_given(options), options.watch_stdin)


def window_parser() -> argparse.ArgumentParser:
    """What `gridbear window` understands."""
    parser = Parser("gridbear window", description="Open the window of the running server.")
    parser.add_argument("--data-dir", type=Path, help="data folder of the server; default: the platform's data folder")
    parser.add_argument("--orders-from-stdin", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--ask-engine", action="store_true", help=argparse.SUPPRESS)
    return parser


def window_main(arguments: Sequence[str]) -> int:
    """`gridbear window`."""
    options = window_parser().parse_args(arguments)
    if not (options.orders_from_stdin or options.ask_engine):
        from gridbear_desktop.window_of_running import open_running  # which only this command needs

        return open_running(options.data_dir)
    from gridbear_desktop import window  # a web engine, for which others ask a process of its own

    if options.ask_engine:
        return 0 if window.has_engine() else window.EXIT_NO_ENGINE
    return window.open_window(options.data_dir)


def tray_parser() -> argparse.ArgumentParser:
    """What `gridbear` without a command understands."""
    parser = Parser("gridbear", description="Start GridBear: tray and window, or headless.")
    _folder_options(parser)
    parser.add_argument("--minimized", action="store_true", help="start with the tray alone")
    _safe_option(parser)
    parser.add_argument("--ask-qt", action="store_true", help=argparse.SUPPRESS)
    return parser


def tray_main(arguments: Sequence[str]) -> int:
    """`gridbear` without a command: tray and window, or the server alone where there is no display."""
    options = tray_parser().parse_args(arguments)
    if options.ask_qt:
        from gridbear_desktop.tray_qt import has_tray  # Qt, for which `display` asks a process of its own

        return 0 if has_tray() else 1
    from gridbear_desktop.launcher import launch  # the tray's libraries, which only this command needs

    return launch(_given(options), minimized=options.minimized)


def mcp_parser() -> argparse.ArgumentParser:
    """What `gridbear mcp` understands."""
    parser = Parser(
        "gridbear mcp", description="The tools of GridBear over stdin and stdout, for AI clients that start a program."
    )
    parser.add_argument("--data-dir", type=Path, help="data folder of the server; default: the platform's data folder")
    parser.add_argument("--server", help="only the tools of this MCP server")
    parser.add_argument("--mode", choices=("search",), help="search: only tools that find and run the others")
    return parser


def mcp_main(arguments: Sequence[str]) -> int:
    """`gridbear mcp`."""
    options = mcp_parser().parse_args(arguments)
    from gridbear_desktop.mcp_bridge import bridge  # which only this command needs

    return bridge(options.data_dir, options.server, options.mode)


def version_main(_arguments: Sequence[str]) -> int:
    """`gridbear --version`."""
    from server import __version__  # kept apart from the rest: it must answer whatever else is broken

    try:
        print(f"gridbear {__version__}", flush=True)
    except OSError as error:
        leave_stdout()
        print(f"gridbear: {error.strerror or error}.", file=sys.stderr, flush=True)
        return 1
    return 0


FAST_COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "serve": serve_main,
    "window": window_main,
    "tray": tray_main,
    "mcp": mcp_main,
    "--version": version_main,
}
