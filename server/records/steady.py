"""Operations beside changes of models: none runs with statements of a model that is another one by now.

A change commits in the writer thread, and its statements come into force on the event loop a moment later. Who reads in
between, or has planned before, would meet columns that are gone, or worse, read and write the new ones by old rules.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable, Coroutine, Iterator
from contextvars import ContextVar
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from server.errors import Busy

S = TypeVar("S", bound="HasShelf")
P = ParamSpec("P")
T = TypeVar("T")
Operation = Callable[Concatenate[S, P], Coroutine[Any, Any, T]]


class Epoch:
    """How often models have changed: odd from just before a change is committed until its statements are in force."""

    def __init__(self) -> None:
        self.number = 0
        self._settled = asyncio.Event()

    def moved(self) -> None:
        """The last thing that a unit does which changes a model, in the writer thread: everybody waits from now on."""
        self.number |= 1

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Around a unit that says `moved`, and putting its model in force, whatever comes of it."""
        self._settled.clear()
        try:
            yield
        finally:
            self.number += self.number & 1
            self._settled.set()

    async def steady(self) -> int:
        """The number of now, waited for while a change comes into force."""
        while self.number & 1:
            await self._settled.wait()
        return self.number

    def check(self, planned: int) -> None:
        """Raise Busy when what was planned at that number is out of date. In the writer thread, before it is done."""
        if self.number != planned:
            raise Busy("The model was changed in the meantime. Try again.", code="model_changed", retry_after=1.0)


class HasShelf(Protocol):
    """Whose operations these are."""

    @property
    def shelf(self) -> Any: ...


# With the task, since tasks that an operation starts inherit its context and outlive it.
_planning: ContextVar[tuple[int, asyncio.Task[Any] | None] | None] = ContextVar("planning", default=None)


def planned_at(epoch: Epoch) -> int:
    """The number at which the running operation began to plan."""
    planning = _planning.get()
    return planning[0] if planning is not None and planning[1] is asyncio.current_task() else epoch.number


def steady_read(operation: Operation[S, P, T]) -> Operation[S, P, T]:
    """An operation that only reads, done again when a model was changed meanwhile."""

    @functools.wraps(operation)
    async def repeated(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        epoch: Epoch = self.shelf.epoch
        while True:
            number = epoch.number if not epoch.number & 1 else await epoch.steady()
            try:
                result = await operation(self, *args, **kwargs)
            except Exception:
                if epoch.number == number:
                    raise
            else:
                if epoch.number == number:
                    return result

    return repeated


def steady_write(operation: Operation[S, P, T]) -> Operation[S, P, T]:
    """An operation that plans and then runs one unit of work, planned again when a model was changed in between.

    It must not have changed anything when it raises.
    """

    @functools.wraps(operation)
    async def repeated(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        epoch: Epoch = self.shelf.epoch
        while True:
            with planning(epoch, await epoch.steady()) as number:
                try:
                    return await operation(self, *args, **kwargs)
                except Exception:
                    if epoch.number == number:
                        raise

    return repeated


@contextlib.contextmanager
def planning(epoch: Epoch, number: int | None = None) -> Iterator[int]:
    """Units that are made inside were planned now: they raise Busy once a model has changed."""
    now = epoch.number if number is None else number
    token = _planning.set((now, asyncio.current_task()))
    try:
        yield now
    finally:
        _planning.reset(token)
