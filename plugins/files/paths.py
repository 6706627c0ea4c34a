"""Paths as clients write them: relative, with `/`, and nothing in them that could lead elsewhere."""

from __future__ import annotations

import os
import re

from server.plugin_api import Forbidden, ValidationFailed

TRASH = ".gridbear-trash"
"""In each writable folder: where deleted files go. No client sees it."""
DRAFT = ".gridbear-draft-"
"""What is being written has a name that begins so."""
MOST_DEEP = 60
_MOST_BYTES = 4096
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:\..*)?", re.I)

Parts = tuple[str, ...]


def parsed(path: str, *, hidden: bool, windows: bool = os.name == "nt") -> Parts:
    """The names of a path, from the folder down; () is the folder itself. Raises ValidationFailed, Forbidden."""
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        raise _refused("no valid Unicode") from None
    if size > _MOST_BYTES:
        raise _refused(f"at most {_MOST_BYTES} bytes")
    if _CONTROL.search(path):
        raise _refused("no control characters")
    if "\\" in path:
        raise _refused("names are parted by /, not by \\")
    if path.startswith("/") or re.match(r"[a-z]:", path, re.I) and windows:
        raise _refused("relative to the folder, without a / at its beginning")
    parts = tuple(path.removesuffix("/").split("/")) if path else ()
    if len(parts) > MOST_DEEP:
        raise _refused(f"at most {MOST_DEEP} folders deep")
    for part in parts:
        _check(part, hidden=hidden, windows=windows)
    return parts


def is_shown(name: str, *, hidden: bool) -> bool:
    """Whether clients may know of a name. One that is no Unicode could not be told."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    if "\\" in name or _CONTROL.search(name):
        return False
    return not _is_own(name) and (hidden or not name.startswith("."))


def _check(part: str, *, hidden: bool, windows: bool) -> None:
    if part in ("", ".", ".."):
        raise _refused("no empty name, no . and no ..")
    if len(part.encode()) > 255:
        raise _refused("names have at most 255 bytes")
    # Windows would take a stream, a device or another name for it.
    if windows and (re.search(r'[:<>"|?*]', part) or part[-1] in ". " or _DEVICE.fullmatch(part)):
        raise _refused(f"{part!r} is no name on Windows")
    if not is_shown(part, hidden=hidden):
        raise Forbidden(f"{part!r} is hidden: names that begin with a dot are not for clients here.", code="hidden")


def _is_own(name: str) -> bool:
    # On macOS and Windows large letters are the same name.
    return name.casefold().startswith((TRASH, DRAFT))


def _refused(what: str) -> ValidationFailed:
    return ValidationFailed.of("path", "path", f"a path such as notes/todo.txt is wanted: {what}")
