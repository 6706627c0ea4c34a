"""Code of plugins, run so that it harms only itself: in a thread of its own, for so long and no longer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from server.errors import GridBearError

T = TypeVar("T")
SECONDS = 15.0
"""How long a plugin may take to import and to start."""


class PluginBlocked(GridBearError):
    """Code of a plugin did not come to its end in time. Its thread can't be ended; it is left to itself."""

    code = "plugin_blocked"


async def in_thread(what: str, call: Callable[[], T], seconds: float | None = None) -> T:
    """What `call` returns; `what` names it to people. Raises what it raises, and PluginBlocked after `seconds` (15).

    The thread is a daemon: a plugin that never returns does not keep the server from ending.
    """
    limit = SECONDS if seconds is None else seconds
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def finish(set_outcome: Callable[[Any], None], outcome: Any) -> None:
        if not done.done():
            set_outcome(outcome)

    def run() -> None:
        try:
            result = call()
        except BaseException as error:
            # A StopIteration can't be put into a future; SystemExit would end the loop.
            told = error if isinstance(error, Exception) and not isinstance(error, StopIteration) else _Ended(error)
            told.__cause__ = None if told is error else error
            _tell(loop, finish, done.set_exception, told)
        else:
            _tell(loop, finish, done.set_result, result)

    threading.Thread(target=run, name=f"plugin {what}", daemon=True).start()
    try:
        async with asyncio.timeout(limit):
            return await done
    except TimeoutError:
        if done.done() and not done.cancelled():
            raise
        raise PluginBlocked(f"{what} did not come to its end within {limit:g} s") from None


class _Ended(Exception):
    def __init__(self, error: BaseException) -> None:
        super().__init__(f"{type(error).__name__}: {error}")


def _tell(loop: asyncio.AbstractEventLoop, finish: Callable[..., None], *outcome: Any) -> None:
    try:
        loop.call_soon_threadsafe(finish, *outcome)
    except RuntimeError:
        # The server ended meanwhile.
        return
