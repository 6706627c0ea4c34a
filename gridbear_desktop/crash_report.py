"""`logs/crash.log`: what a server that crashed was doing, and `tray-crash.log` a tray. A good end adds nothing."""

from __future__ import annotations

import contextlib
import datetime
import errno
import faulthandler
import logging
import os
import platform
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from gridbear_desktop.log_files import rotate
from server import __version__

FILE_NAME = "crash.log"
TRAY_FILE_NAME = "tray-crash.log"
_HEAD = "=== "

log = logging.getLogger(__name__)


@contextlib.contextmanager
def kept(logs: Path, name: str = FILE_NAME, *, told: type[Exception] | tuple[()] = ()) -> Iterator[None]:
    """Inside, a crash of this process is written down: the stacks of all threads, or the error that nothing caught.

    What is killed from outside leaves the head of its report alone. Where nothing can be written, as on a full disk,
    there is no report, and the process goes on without.

    `told`: errors whose sentence a person is shown anyway, such as why a start was refused. They are no crash.
    """
    try:
        file, before = _begun(logs / name)
    except OSError as error:
        # Of a full disk the server tells by itself, and more clearly.
        level = logging.DEBUG if error.errno in (errno.ENOSPC, errno.EDQUOT) else logging.WARNING
        log.log(level, "a crash would not be written down: %s", error)
        yield
        return
    faulthandler.enable(file)
    try:
        yield
    except told:
        _withdraw(file, before)
        raise
    except Exception:
        with contextlib.suppress(OSError):
            traceback.print_exc(file=file)
            file.flush()
        raise
    else:
        _withdraw(file, before)
    finally:
        faulthandler.disable()
        with contextlib.suppress(OSError):
            file.close()


def _begun(path: Path) -> tuple[TextIO, int]:
    """The file with the head of a report, and where that begins."""
    rotate(path)
    file = path.open("a", encoding="utf-8", errors="replace")
    try:
        before = file.tell()
        file.write(f"{_HEAD}{os.getpid()} {_now()} GridBear {__version__}, Python {platform.python_version()}, ")
        file.write(f"{platform.platform()}\n")
        file.flush()
    except OSError:
        with contextlib.suppress(OSError):
            file.close()
        raise
    return file, before


def _withdraw(file: TextIO, before: int) -> None:
    with contextlib.suppress(OSError):
        file.truncate(before)


def what_failed(logs: Path, pid: int) -> str:
    """The line that names why the server `pid` crashed; empty where it left no report, or only its head."""
    try:
        text = (logs / FILE_NAME).read_text("utf-8", "replace")
    except OSError:
        return ""
    _, found, report = text.rpartition(f"{_HEAD}{pid} ")
    # Another server may have written a report after it.
    lines = [line for line in report.partition(f"\n{_HEAD}")[0].splitlines()[1:] if line.strip()]
    if not found or not lines:
        return ""
    # A fatal error names itself first, an exception last.
    return lines[0] if lines[0].startswith(("Fatal", "Windows fatal")) else lines[-1]


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
