"""What another server answered to a plugin's question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Fetched(NamedTuple):
    """What another server answered."""

    status: int
    headers: Mapping[str, str]
    """With small letters in their names."""
    body: bytes
