"""The folders (roots) of clients at servers of the older eras: a server has those of one client at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator

from server.mcp_gateway.caller import Caller
from server.mcp_gateway.upstreams.session import Session

ROOTS = "roots/list"
ROOTS_CHANGED = "notifications/roots/list_changed"
CAPABILITY = "roots"
_ASKS_WITHIN_SECONDS = 1.0
"""A server that wants to know the folders anew asks in this time; until then its next call waits."""
_PAUSE_SECONDS = 0.1


class Folders:
    """Of one connection. On one of several people there are none: see `Heard.question`.

    One person may use it from several clients, each with folders of its own, and the server keeps one list. So it is
    told of a change as well when the client of a call is another one than that whose folders it has.
    """

    def __init__(self, current: Callable[[], Session | None]) -> None:
        """`current` is the open session, if there is one."""
        self._current = current
        self._asks = False
        """Whether the server ever wanted to know."""
        self._given: tuple[Session | None, str | None] | None = None
        """The connection, and the client whose folders the server was told on it."""
        self._announced: tuple[Session | None, str | None] | None = None
        """The same, of the last that it was told to ask for."""
        self._answered = asyncio.Event()
        self._deaf: Session | None = None
        """A connection on which the server did not ask when it was told of a change."""
        self._home: Caller | None = None
        self._coming: dict[object, Caller] = {}
        """Clients whose requests wait for the start."""
        self._told_at_start: Caller | None = None
        self._is_asked: Caller | None = None
        self._is_news = False
        self._telling: asyncio.Task[None] | None = None

    @property
    def are_asked(self) -> bool:
        """Whether the server wants to know the folders of clients, and calls may have to wait for that."""
        return self._asks

    @property
    def home(self) -> Caller | None:
        """The client to ask while none of its calls is running: the one that told of a change last."""
        return self._home

    @contextlib.contextmanager
    def coming(self, caller: Caller | None) -> Iterator[None]:
        """A request of `caller` waits inside until the server has started: it may ask for the folders at once."""
        if caller is None or self._current() is not None or not _has_some(caller):
            yield
            return
        key = object()
        self._coming[key] = caller
        try:
            yield
        finally:
            del self._coming[key]

    @property
    def first(self) -> Caller | None:
        """The client whose request the server is being started for, if that has folders."""
        return next(iter(self._coming.values()), None)

    @contextlib.contextmanager
    def asking(self, client: Caller) -> Iterator[None]:
        """While a client is asked outside of its calls: one that comes meanwhile waits, and asks for nothing again."""
        self._is_asked = client
        self._answered.clear()
        try:
            yield
        finally:
            self._is_asked = None
            self._answered.set()

    def asked(self) -> None:
        """The server wants to know."""
        self._asks = True

    def answered(self, caller: Caller) -> None:
        """It was told what the client has, or that it does not say."""
        session = self._current()
        self._given = (session, caller.session)
        self._told_at_start = caller if session is None else None
        self._answered.set()

    def changed(self, caller: Caller) -> None:
        """A client says that its folders are others: the server is told, once for all that say so in a moment."""
        self._given = self._announced = None
        self._home, self._is_news = caller, True
        if self._telling is None or self._telling.done():
            self._telling = asyncio.get_running_loop().create_task(self._tell_news(), name="folders of a client")

    async def ready_for(self, caller: Caller) -> None:
        """Before a call of `caller` goes on its way: let the server ask for its folders, if it has those of another."""
        if self._is_asked is not None and self._is_asked.session == caller.session:
            await self._answered.wait()
        session = self._current()
        mine = (session, caller.session)
        if self._told_at_start is not None and session is not None:
            # It asked this connection before it was ready.
            self._given, self._told_at_start = (session, self._told_at_start.session), None
        if not self._asks or self._given == mine or session is None or session.is_modern or not _has_some(caller):
            return
        if self._announced != mine:
            self._announced = mine
            self._answered.clear()
            await session.tell_folders_changed()
        if self._deaf is session:
            return
        try:
            async with asyncio.timeout(_ASKS_WITHIN_SECONDS):
                await self._answered.wait()
        except TimeoutError:
            self._deaf = session

    def end(self) -> None:
        """The connection is used no more."""
        self._home = None
        if self._telling is not None:
            self._telling.cancel()

    async def _tell_news(self) -> None:
        while self._is_news:
            self._is_news = False
            session = self._current()
            if session is not None and not session.is_modern:
                await session.tell_folders_changed()
            await asyncio.sleep(_PAUSE_SECONDS)


def _has_some(caller: Caller) -> bool:
    return caller.ask is not None and not caller.modern and CAPABILITY in caller.capabilities
