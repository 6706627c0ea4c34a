"""One table of a TOML text set or removed, every other line kept as it is."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

from server.errors import ValidationFailed


def parse(text: str) -> dict[str, Any]:
    """The text's tables. Raises ValidationFailed with line and column."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValidationFailed(str(error), code="foreign_file") from None
    except RecursionError:
        raise ValidationFailed("it is nested too deeply", code="foreign_file") from None


def set_table(text: str, path: tuple[str, str], value: dict[str, Any]) -> str:
    """`text` with the table `[path[0].path[1]]` at its end."""
    eol = "\r\n" if "\r\n" in text else "\n"
    rest = remove_table(text, path)
    if rest and not rest.endswith("\n"):
        rest += eol
    lines = [f"[{path[0]}.{path[1]}]", *(f"{_key(name)} = {_rendered(one)}" for name, one in value.items())]
    return rest + (eol if rest.strip() else "") + eol.join(lines) + eol


def remove_table(text: str, path: tuple[str, str]) -> str:
    """`text` without the table and what is below it."""
    names = [rf'(?:{re.escape(name)}|"{re.escape(name)}"|\'{re.escape(name)}\')' for name in path]
    header = re.compile(rf"\s*\[\s*{names[0]}\s*\.\s*{names[1]}\s*[.\]]")
    kept, inside = [], False
    for line in text.splitlines(keepends=True):
        if line.lstrip().startswith("["):
            inside = header.match(line) is not None
        # What stands between tables may be about the next one.
        if not inside or line.lstrip().startswith("#"):
            kept.append(line)
    return "".join(kept)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _rendered(name)


def _rendered(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(name)} = {_rendered(one)}" for name, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_rendered(one) for one in value) + "]"
    if isinstance(value, str | bool):
        # A JSON text of these is TOML, too; but TOML has no pairs of surrogates, and wants DEL escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    # Numbers, and dates as they are written.
    return str(value)
