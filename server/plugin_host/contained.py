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


class Ended(Exception):
    """A plugin raised what would end the program, or the task that called it."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.__cause__ = error


def contained_error(error: BaseException) -> Exception:
    """What code of a plugin raised, as an error that ends nothing of ours."""
    return error if isinstance(error, Exception) else Ended(error)


def is_cancelled(error: BaseException) -> bool:
    """Whether we were cancelled ourselves; a plugin may raise CancelledError on its own account."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and (task is None or task.cancelling() > 0)


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
            # A StopIteration can't be put into a future.
            told = Ended(error) if isinstance(error, StopIteration) else contained_error(error)
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


def _tell(loop: asyncio.AbstractEventLoop, finish: Callable[..., None], *outcome: Any) -> None:
    try:
        loop.call_soon_threadsafe(finish, *outcome)
    except RuntimeError:
        # The server ended meanwhile.
        return
