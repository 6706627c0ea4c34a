"""What of a data folder will not work by itself on another computer. Told, not repaired: only a person knows better."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from server.backup.archive_format import Missing
from server.db.facts import column_rows

_BOUND_TO_THE_START = "it comes from the command line or the environment; set it on the new computer too"
# Each computer has its own, or makes its own.
_NOT_TOLD = frozenset(("data_dir", "host", "port", "internal_api_secret"))


def unmovable(database: Path, fixed_settings: Collection[str]) -> list[Missing]:
    """Absolute paths in MCP servers and settings, and settings (`fixed_settings`) that are in no record."""
    found = [
        Missing(what=f"setting {name}", why=_BOUND_TO_THE_START) for name in sorted(set(fixed_settings) - _NOT_TOLD)
    ]
    for name, value in column_rows(database, "settings", "name", "value"):
        found += _told(f"setting {name}", _parsed(value))
    columns = ("name", "command", "cwd", "args", "plugin")
    for name, command, cwd, args, plugin in column_rows(database, "mcp_servers", *columns):
        # The folder of a plugin's server is the plugin's, wherever that is when it starts.
        found += _told(f"MCP server {name}", [command, None if plugin else cwd, _parsed(args)])
    return found


def _told(what: str, value: Any) -> list[Missing]:
    return [Missing(what=what, why=f"{path} may not be on another computer") for path in _absolute_paths(value)]


def _parsed(text: str | None) -> Any:
    try:
        return json.loads(text or "null")
    except ValueError:
        return None


def _absolute_paths(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        # A lone slash is a path of web addresses and of arguments such as /c more often than one of files.
        if len(value) > 2 and (PurePosixPath(value).is_absolute() or PureWindowsPath(value).is_absolute()):
            yield value
    elif isinstance(value, list):
        for item in value:
            yield from _absolute_paths(item)
