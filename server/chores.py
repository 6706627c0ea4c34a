"""What a running server does by itself beside serving: in loops, until it stops."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence

from server.errors import GridBearError

log = logging.getLogger(__name__)

FLUSH_SECONDS = 60.0
SWEEP_SECONDS = 3600.0

Sweep = tuple[str, Callable[[], Awaitable[object]]]
"""What is removed, in words, and what removes it."""


def do_chores(stack: contextlib.AsyncExitStack, *loops: Coroutine[None, None, None]) -> None:
    """Run each of `loops` until `stack` is unwound."""
    for loop in loops:
        stack.push_async_callback(_cancelled, asyncio.create_task(loop))


async def flushing(flush: Callable[[], Awaitable[None]]) -> None:
    """Every minute: write down what is only kept in memory, such as when somebody was here last."""
    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        await flush()


async def sweeping(old: Sequence[Sweep]) -> None:
    """Now and every hour: remove what is past its time. One that fails keeps none of the others from it."""
    while True:
        for what, sweep in old:
            try:
                await sweep()
            except (GridBearError, OSError) as error:
                log.warning("%s could not be removed: %s", what, error)
        await asyncio.sleep(SWEEP_SECONDS)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
