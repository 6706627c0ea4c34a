"""Entity tags."""

from __future__ import annotations

import hashlib


def etag_of(text: str) -> str:
    """The entity tag of a row's or page's JSON text."""
    return f'"{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}"'
