"""Looking for names and texts below a folder, within limits that are told when they are met."""

from __future__ import annotations

import os
import time
from typing import Any, Literal

from server.plugin_api import Conflict, Forbidden

from .place import Place
from .tree import Tree

MOST_SEEN = 50_000
MOST_FILE = 2_000_000
MOST_READ = 100_000_000
MOST_SECONDS = 10.0
_EXCERPT = 200


def search(
    tree: Tree, text: str, path: str, where: Literal["names", "contents"], limit: int, seconds: float = MOST_SECONDS
) -> dict[str, Any]:
    """Files and folders whose name, or whose lines, hold `text`; capitals make no difference."""
    found: list[dict[str, Any]] = []
    wanted, read = text.casefold(), 0
    end = time.monotonic() + seconds
    for seen, (below, entry, place) in enumerate(tree.walk(path)):
        if seen >= MOST_SEEN or read > MOST_READ or time.monotonic() > end:
            return {"found": found, "complete": False}
        if where == "names":
            if wanted in entry["name"].casefold():
                found.append({"path": below, "kind": entry["kind"]})
        elif entry["kind"] == "file" and entry["size"] <= MOST_FILE:
            data = _read(place, entry["name"])
            read += len(data)
            found += [{"path": below, **hit} for hit in _hits(data, wanted, limit - len(found))]
        if len(found) >= limit:
            return {"found": found, "complete": False}
    return {"found": found, "complete": True}


def _hits(data: bytes, wanted: str, most: int) -> list[dict[str, Any]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return []
    hits: list[dict[str, Any]] = []
    if wanted in text.casefold():
        for number, line in enumerate(text.split("\n"), 1):
            at = line.casefold().find(wanted)
            if at >= 0 and len(hits) < most:
                begin = max(0, at - _EXCERPT // 2)
                hits.append({"line": number, "text": line[begin : begin + _EXCERPT].strip()})
    return hits


def _read(place: Place, name: str) -> bytes:
    try:
        with os.fdopen(place.open_file(name), "rb") as file:
            return file.read(MOST_FILE)
    except (OSError, Forbidden, Conflict):
        return b""
