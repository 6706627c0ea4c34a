"""The newest messages of one server, as many as there is room for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import orjson

from server.mcp_gateway.activity.excerpt import kept
from server.mcp_gateway.messages.message import Direction, Kind, Message, about_of
from server.mcp_gateway.wire import Unwritable, to_wire

MOST_MESSAGES = 1_000
MOST_BYTES = 4 << 20
BODY_BYTES = 32 << 10
"""Of one message; what is longer is cut."""
_MOST_WAITING = 1_000
_OVERHEAD = 400

_Asked = tuple[int, float, str, str | None]
"""Of a request without its answer: its sequence, when it passed, its method and what it is about."""


class MessageRing:
    """Made when the watching begins; `began` in seconds since the epoch, `first` is the first sequence to give."""

    def __init__(self, began: float, first: int = 1) -> None:
        self.began = began
        self.last = first - 1
        """The newest sequence."""
        self.forgotten = 0
        """Messages that there was no room for any more."""
        self._messages: deque[Message] = deque()
        self._bytes = 0
        self._waiting: dict[tuple[int | None, Direction, str | int], _Asked] = {}

    def __len__(self) -> int:
        return len(self._messages)

    def after(self, sequence: int) -> Iterator[Message]:
        """Those that are newer, the oldest first."""
        return (message for message in list(self._messages) if message.sequence > sequence)

    def lost(self, number: str, reason: str, person: int | None, at: float, now: float) -> None:
        """No answer to a request of ours will come. Nothing where one has."""
        if (person, "to_server", number) in self._waiting:
            self.note("from_server", {"id": number, "lost": reason}, person, at, now, kind="lost")

    def note(
        self,
        direction: Direction,
        message: dict[str, Any],
        person: int | None,
        at: float,
        now: float,
        kind: Kind | None = None,
    ) -> None:
        """Keep one. `at`: the time of day; `now`: that of a clock that never jumps, both in seconds."""
        self.last += 1
        kind = kind or _kind_of(message)
        method, about = message.get("method"), about_of(message.get("params"))
        number = message.get("id")
        number = number if isinstance(number, str | int) else None
        answers = seconds = None
        if kind == "request" and number is not None and isinstance(method, str):
            self._asked((person, direction, number), (self.last, now, method, about))
        elif kind in ("answer", "error", "lost") and number is not None:
            other: Direction = "from_server" if direction == "to_server" else "to_server"
            asked = self._waiting.pop((person, other, number), None)
            if asked is not None:
                answers, began, method, about = asked
                seconds = now - began
        body, room = kept(message, BODY_BYTES)
        size = len(body) if isinstance(body, bytes) else _size_of(message)
        self._keep(
            Message(
                sequence=self.last,
                at=at,
                direction=direction,
                kind=kind,
                method=method if isinstance(method, str) else None,
                about=about,
                id=number,
                answers=answers,
                seconds=seconds,
                failed=kind in ("error", "lost") or _says_error(message),
                size=size,
                cut=size > BODY_BYTES,
                body=body,
                room=room + _OVERHEAD,
                person=person,
            )
        )

    def _keep(self, message: Message) -> None:
        self._messages.append(message)
        self._bytes += message.room
        while len(self._messages) > MOST_MESSAGES or self._bytes > MOST_BYTES:
            self._bytes -= self._messages.popleft().room
            self.forgotten += 1

    def _asked(self, key: tuple[int | None, Direction, str | int], asked: _Asked) -> None:
        self._waiting.pop(key, None)
        self._waiting[key] = asked
        if len(self._waiting) > _MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]


def _kind_of(message: dict[str, Any]) -> Kind:
    if "method" in message:
        return "request" if message.get("id") is not None else "notification"
    return "error" if "error" in message else "answer"


def _says_error(message: dict[str, Any]) -> bool:
    """Whether it is the result of a tool that failed in its own words."""
    result = message.get("result")
    return isinstance(result, dict) and result.get("isError") is True


def _size_of(message: dict[str, Any]) -> int:
    try:
        return len(orjson.dumps(message))
    except orjson.JSONEncodeError:
        try:
            return len(to_wire(message))
        except (Unwritable, ValueError):
            return BODY_BYTES + 1
