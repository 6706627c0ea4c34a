"""Text of files."""

from __future__ import annotations

from typing import Any

from server.plugin_api import ValidationFailed

MOST_LETTERS = 200_000


def text_of(data: bytes) -> str | None:
    """UTF-8; None for what is no text."""
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def lines_of(data: bytes, first: int, count: int) -> dict[str, Any]:
    """So many lines from the line `first` (1 is the first), 200,000 letters at most. Raises ValidationFailed."""
    text = text_of(data)
    if text is None:
        raise ValidationFailed.of("path", "no_text", "this is no text in UTF-8; read it as a resource")
    lines = text.splitlines(keepends=True)
    taken: list[str] = []
    left = MOST_LETTERS
    for line in lines[first - 1 : first - 1 + count]:
        if taken and len(line) > left:
            break
        taken.append(line[:MOST_LETTERS])
        left -= len(line)
    end = first + len(taken)
    is_cut = any(len(line) == MOST_LETTERS and not line.endswith(("\n", "\r")) for line in taken)
    following = end if end <= len(lines) else None
    return {"text": "".join(taken), "lines": len(lines), "next_line": following, "line_was_cut": is_cut}
