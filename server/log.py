"""Logging of the server: one line per event on stderr, with the request id where there is one."""

from __future__ import annotations

import contextvars
import logging
import sys
from pathlib import Path

from server.errors import StartupError

request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="-")
caller_address: contextvars.ContextVar[str | None] = contextvars.ContextVar("caller_address", default=None)
"""Where the request at hand comes from; None for what the program does by itself."""


LINE_FORMAT = "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"
"""How a line is written; `server.log_lines` reads it again."""
LOG_BYTES = 1_000_000
LOG_FILES = 5
"""A log file is begun anew after so many bytes, and so many older ones are kept."""


class _RequestId(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


def configure_logging(level: str, file: Path | None = None, stderr: logging.Handler | None = None) -> None:
    """Send everything from `level` up to stderr, and to `file`, which is kept small. Another call replaces both.

    `stderr` writes to it in place of a plain handler.

    Raises StartupError when the file can't be written.
    """
    handlers: list[logging.Handler] = [stderr or logging.StreamHandler(sys.stderr)]
    if file is not None:
        handlers.append(_rotating(file))
    for handler in handlers:
        handler.addFilter(_RequestId())
        handler.setFormatter(logging.Formatter(LINE_FORMAT))
    root = logging.getLogger()
    for former in root.handlers:
        if isinstance(former, logging.FileHandler):
            former.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    # These log every message they carry at INFO, arguments and addresses included.
    for noisy in ("httpx2", "httpcore2", "mcp"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    # It warns of every form that it can't read, whoever sends it; the answer says so.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)


def _rotating(file: Path) -> logging.Handler:
    # Sockets and pickles come along, which a server without a log file can do without.
    from logging.handlers import RotatingFileHandler

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return RotatingFileHandler(file, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8")
    except OSError as error:
        raise StartupError(
            f"The log file {file} can't be written ({error.strerror or error}): name another in GRIDBEAR_LOG_FILE."
        ) from error
