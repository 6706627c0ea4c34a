"""`gridbear` on the command line."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Sequence

from gridbear_desktop.fast_commands import COMPLETION_VARIABLE, FAST_COMMANDS, tray_main
from gridbear_desktop.streams import open_missing
from gridbear_desktop.usage import WrongUse, refuse_no_folder
from server.errors import StartupError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit code: 0 done, 1 failed, 2 wrong use or cannot start, 3 exists already."""
    open_missing()
    # At its end Python looks through all that there is for garbage, a server's half second and a third of a command's
    # time. The system takes back the memory of a process at once.
    atexit.register(gc.freeze)
    arguments = list(sys.argv[1:] if argv is None else argv)
    if COMPLETION_VARIABLE in os.environ:
        # A shell asks for words: some do so without any argument, which must not start a tray.
        from gridbear_desktop.commands import run  # typer and the data commands

        return run(arguments)
    # typer and rich cost 80 ms to import, which a server start and a window need not pay.
    fast = FAST_COMMANDS.get(arguments[0] if arguments else "")
    try:
        refuse_no_folder(arguments)
        return fast(arguments[1:]) if fast else _typer_main(arguments)
    except StartupError as error:
        print(f"gridbear: {error.message}", file=sys.stderr, flush=True)
        return 2


def _typer_main(arguments: list[str]) -> int:
    if not arguments or (arguments[0].startswith("--") and arguments[0] != "--help"):
        try:
            return tray_main(arguments)
        except WrongUse as error:
            from gridbear_desktop.commands import where_they_go  # as below

            raise StartupError(where_they_go(arguments) or error.message) from None
    # Nearly all that a command makes is what it loads, which stays.
    gc.set_threshold(100_000, 20, 20)
    from gridbear_desktop.commands import run  # typer and the data commands

    return run(arguments)
