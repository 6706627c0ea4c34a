"""Names of uploaded files, as every system can store them and no page can be fooled by them."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

MAX_BYTES = 240
"""File systems take 255; programs add endings of their own."""
UNNAMED = "file"
_FORBIDDEN = re.compile(r'[<>:"|?*]')
# Invisible characters, those that turn the direction of text among them: `exe.gpj` is to look like what it is.
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


def clean_name(text: str) -> str:
    """The last part of a path without what some system refuses; never empty."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", text))[-1]
    seen = "".join(" " if char in "\t\n\r" else char for char in last)
    seen = "".join(char for char in seen if unicodedata.category(char) not in _UNSEEN)
    name = _FORBIDDEN.sub("_", seen).strip().rstrip(". ")
    if not name.strip("."):
        return UNNAMED
    return _shortened(f"_{name}" if _DEVICES.fullmatch(name) else name)


def _shortened(name: str) -> str:
    """At most `MAX_BYTES` of UTF-8, its ending kept."""
    if len(name.encode()) <= MAX_BYTES:
        return name
    ending = PurePosixPath(name).suffix
    if len(ending.encode()) > MAX_BYTES // 4:
        ending = ""
    stem = name[: len(name) - len(ending)].encode()[: MAX_BYTES - len(ending.encode())]
    return stem.decode(errors="ignore").rstrip(". ") + ending
