"""What other threads want done by the one thread that may: it waits for a file descriptor, which they ring."""

from __future__ import annotations

import socket
from collections.abc import Callable
from queue import Empty, SimpleQueue


class Errands:
    """A queue of work with a bell. `want` is for any thread, the rest for the one that works."""

    def __init__(self) -> None:
        self._wanted: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._bell, self._ear = socket.socketpair()
        for end in (self._bell, self._ear):
            end.setblocking(False)

    @property
    def bell(self) -> int:
        """The descriptor that rings when it is written to, as signals can."""
        return self._bell.fileno()

    def fileno(self) -> int:
        """The descriptor that can be read once something is wanted."""
        return self._ear.fileno()

    def want(self, work: Callable[[], None]) -> None:
        """Leave `work`. After `close` nobody does it."""
        self._wanted.put(work)
        try:
            self._bell.send(b"\0")
        except OSError:
            # It has been rung often enough and will be heard, or nobody listens any more.
            return

    def do(self) -> None:
        """Do all that is wanted; nothing when that is nothing."""
        try:
            self._ear.recv(4096)
        except BlockingIOError:
            return
        while True:
            try:
                work = self._wanted.get_nowait()
            except Empty:
                return
            work()

    def close(self) -> None:
        for end in (self._bell, self._ear):
            end.close()
