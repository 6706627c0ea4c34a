"""Work that a cancel no longer breaks off."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any


async def to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Do `work` whole: who is cancelled meanwhile has ended already, and only its row does not say so yet."""
    doing = asyncio.ensure_future(work)
    while not doing.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({doing})
    doing.result()
