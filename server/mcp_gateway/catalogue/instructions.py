"""What a server says to models about all of it, kept and approved as if it were one of its tools."""

from __future__ import annotations

import unicodedata

from server.mcp_gateway.catalogue.definition import definition_hash, stored
from server.mcp_gateway.catalogue.known_tool import Listed

KEY = "server/instructions"
"""Under this name they stand among the tools of their server; no tool has it."""
MOST_CHARACTERS = 20_000
"""What goes beyond is cut off: it takes room in the context of every conversation."""


def listed_instructions(text: str | None, version: str | None) -> Listed | None:
    """The instructions of a server, as they are kept; None where there are none.

    Signs that nobody sees are left out: whoever approves them reads what the model reads.
    """
    told = "".join(map(_visible, text or "")).strip()[:MOST_CHARACTERS]
    if not told:
        return None
    raw = {"name": KEY, "description": told}
    return Listed(KEY, KEY, raw, definition_hash(raw), version, stored(raw) or "")


def _visible(sign: str) -> str:
    if sign.isprintable() or sign in "\n\t":
        return sign
    return " " if unicodedata.category(sign) == "Zs" else ""
