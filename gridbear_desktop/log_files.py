"""Log files that are kept small, and their last lines."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TextIO

from server.log import LOG_BYTES, LOG_FILES

SERVER_LOG = "server.log"
"""What the tray makes of the stdout and stderr of its server."""
_STREAMS = (1, 2)
_TAIL_BYTES = 16_384


def rotate(path: Path) -> None:
    """Keep the log below LOG_BYTES, with a few older ones beside it. Only one process may do this."""
    try:
        if path.stat().st_size < LOG_BYTES:
            return
    except FileNotFoundError:
        return
    for number in range(LOG_FILES - 1, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{number + 1}"))
    path.replace(path.with_name(f"{path.name}.1"))


def of_stderr(path: Path) -> logging.Handler | None:
    """A handler for stderr that keeps `path` small where stderr is that file, as under the tray; else None.

    Windows moves no file that is open: there it is begun anew at a start alone.
    """
    return _OwnStderr(path) if os.name != "nt" and _is_at(2, path) else None


def own_log(path: Path) -> logging.Handler:
    """A handler for a log that this process alone writes; for stderr where it can't be written."""
    try:
        return OwnFile(path, encoding="utf-8")
    except OSError as error:
        handler = logging.StreamHandler()
        handler.handle(logging.makeLogRecord({"msg": f"{path} can't be written: {error}", "levelno": logging.WARNING}))
        return handler


class OwnFile(logging.FileHandler):
    """A log that this process alone writes, begun anew once it is large."""

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        try:
            if self.stream is not None and self.stream.tell() >= LOG_BYTES:
                self.stream.close()
                try:
                    rotate(Path(self.baseFilename))
                finally:
                    # What can't be moved just now, as on Windows while somebody reads it, grows until it can.
                    self.stream = self._open()
        except OSError:
            self.handleError(record)


class _OwnStderr(logging.StreamHandler[TextIO]):
    def __init__(self, path: Path) -> None:
        super().__init__(sys.stderr)
        self._path = path

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        try:
            if os.fstat(2).st_size >= LOG_BYTES:
                self._begin_anew()
        except OSError:
            self.handleError(record)

    def _begin_anew(self) -> None:
        ours = [stream for stream in _STREAMS if _is_at(stream, self._path)]
        if not ours:
            return  # somebody else has moved it
        rotate(self._path)
        # What a process that was started before still writes is found in the older file.
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            for stream in ours:
                os.dup2(file, stream)
        finally:
            os.close(file)


def _is_at(stream: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(stream), path.stat())
    except OSError:
        return False


def last_lines(path: Path, count: int) -> list[str]:
    """The last lines of a log that say something; none where there is no file."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if line.strip()][-count:]
