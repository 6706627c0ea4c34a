"""The manual page gridbear(1), from the commands themselves. Started as a program it writes it to stdout.

`man_page.py VERSION SECONDS`: of which version, and the moment that it carries.
"""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import cli_commands

FILES = (
    ("~/.local/share/gridbear-desktop", "The data folder, unless --data-dir or GRIDBEAR_DATA_DIR names another one."),
    ("~/.local/share/gridbear-desktop/gridbear.db", "Everything, in one SQLite file."),
    ("~/.local/share/gridbear-desktop/backups", "Backups, and the databases that upgrades have replaced."),
    ("~/.local/share/gridbear-desktop/logs", "What the server and the tray have to say."),
    ("~/.config/systemd/user/gridbear.service", "The service, where `gridbear service install` was used."),
)
ENVIRONMENT = (
    ("GRIDBEAR_DATA_DIR", "The data folder."),
    ("GRIDBEAR_HOST, GRIDBEAR_PORT", "Where the server listens; 127.0.0.1 and 8088 unless told."),
    ("GRIDBEAR_…", "Every other setting; docs/operators.md in the sources has them all."),
)


def page(version: str, when: int) -> str:
    """The whole page in troff's language. `when` is in seconds since 1970."""
    day = datetime.fromtimestamp(when, UTC).date().isoformat()
    lines = [
        f'.TH GRIDBEAR 1 "{day}" "GridBear Desktop {version}" "User Commands"',
        ".SH NAME",
        r"gridbear \- personal server in your tray: data API, MCP gateway, webhooks and plugins",
        ".SH SYNOPSIS",
        r".B gridbear",
        r"[\fIOPTIONS\fR]",
        ".br",
        ".B gridbear",
        r"\fICOMMAND\fR [\fIARGUMENTS\fR] [\fIOPTIONS\fR]",
        ".SH DESCRIPTION",
        _text("Without a command GridBear starts with a tray icon and a window, or headless without a display."),
        ".PP",
        _text(cli_commands.STREAMS),
        ".SH COMMANDS",
    ]
    for section in cli_commands.sections():
        lines += [f'.SS "{_text(section.usage)}"', _text(section.text), *_listed(section.rows)]
    for title, rows in (("EXIT STATUS", cli_commands.EXIT_CODES), ("ENVIRONMENT", ENVIRONMENT), ("FILES", FILES)):
        lines += [f".SH {title}", *_listed(rows)]
    lines += [".SH SEE ALSO", _text("https://github.com/gridbear/gridbear-desktop has the documentation.")]
    return "\n".join(lines) + "\n"


def _listed(rows: list[tuple[str, str]] | tuple[tuple[str, str], ...]) -> list[str]:
    return [line for name, told in rows for line in (".TP", rf"\fB{_text(name)}\fR", _text(told))]


def _text(text: str) -> str:
    """Plain text as troff reads it: nothing in it is an order."""
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq").replace('"', r"\(dq")
    text = text.replace("…", "...").replace("~", r"\(ti").replace("^", r"\(ha")
    text = re.sub(r"`([^`]*)`", r"\\fB\1\\fR", text)
    return rf"\&{text}" if text.startswith(".") else text


if __name__ == "__main__":
    sys.stdout.buffer.write(page(sys.argv[1], int(sys.argv[2])).encode())
