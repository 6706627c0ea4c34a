"""What was done under keys and how it was answered, the oldest first: how much of it is kept, and for how long."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import ItemsView
from dataclasses import dataclass, field
from typing import Protocol

from starlette.types import Message

KEPT_SECONDS = 3600.0
MOST_OF_A_PERSON = 200
MOST = 10_000
LARGEST_ANSWER = 1 << 20
MOST_BYTES = 16 << 20
_NOTHING_DONE = frozenset((503, 507))
"""Beside what is the caller's own fault: the server had no room. All else may have been done."""
_KEPT_HEADERS = frozenset((b"content-type", b"cache-control", b"location", b"etag"))

Slot = tuple[str, int | None, int | None, str]
"""Kind of the caller, person, credential, hash of the key."""


class Caller(Protocol):
    """Whose request it is; equal callers may do the same."""

    @property
    def kind(self) -> str: ...

    @property
    def user_id(self) -> int | None: ...

    @property
    def credential_id(self) -> int | None: ...


@dataclass(slots=True, eq=False)
class Deed:
    """One request and its answer."""

    caller: Caller
    request_hash: str
    begun: float
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes | None = None
    """None: not known, or not kept."""
    whole: bool = False
    """Its answer came to its end, kept or not."""

    @property
    def done(self) -> bool:
        """Whether it may have done something, as far as its answer says."""
        return not (400 <= self.status < 500 or self.status in _NOTHING_DONE)

    @property
    def size(self) -> int:
        """Bytes of the answer that are held."""
        return len(self.body or b"")

    def hear(self, message: Message) -> None:
        """Take a part of the answer."""
        if message["type"] == "http.response.start":
            self.status, self.body = message["status"], b""
            headers = list(message.get("headers", ()))
            self.headers = [(name, value) for name, value in headers if name in _KEPT_HEADERS]
            if any(_is_for_nobody_else(name.lower(), value) for name, value in headers):
                self.body = None
        elif message["type"] == "http.response.body":
            if self.body is not None:
                self.body += message.get("body", b"")
                if len(self.body) > LARGEST_ANSWER:
                    self.body = None
            self.whole = not message.get("more_body", False)


def _is_for_nobody_else(name: bytes, value: bytes) -> bool:
    return name == b"set-cookie" or (name == b"cache-control" and b"no-store" in value)


@dataclass(slots=True)
class _Person:
    deeds: OrderedDict[Slot, None] = field(default_factory=OrderedDict)
    ended: int = 0


class KeptDeeds:
    """Deeds by slot. However many there are, adding one costs the same: only those that go are walked over.

    A deed that is still being done is never forgotten, and stands in the way of none behind it.
    """

    def __init__(self) -> None:
        self._deeds: OrderedDict[Slot, Deed] = OrderedDict()
        self._people: dict[tuple[str, int | None], _Person] = {}
        self._answers: OrderedDict[Slot, Deed] = OrderedDict()
        """Those that are being done, or hold an answer."""
        self._ended = 0
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._deeds)

    @property
    def bytes_held(self) -> int:
        """Of all answers together."""
        return self._bytes

    def items(self) -> ItemsView[Slot, Deed]:
        """All, the oldest first."""
        return self._deeds.items()

    def get(self, slot: Slot) -> Deed | None:
        """The deed of a slot, done or being done."""
        return self._deeds.get(slot)

    def begin(self, slot: Slot, deed: Deed) -> None:
        """Take in a deed that is about to be done, into a slot that is free."""
        self._deeds[slot] = self._answers[slot] = deed
        self._people.setdefault(slot[:2], _Person()).deeds[slot] = None

    def hear(self, deed: Deed, message: Message) -> None:
        """Take a part of the answer of a deed that was begun."""
        self._bytes -= deed.size
        deed.hear(message)
        self._bytes += deed.size

    def end(self, slot: Slot) -> None:
        """A deed was done. What surely did nothing is forgotten, and so are the oldest where there are too many."""
        deed = self._deeds[slot]
        deed.ended.set()
        self._ended += 1
        person = self._people[slot[:2]]
        person.ended += 1
        if not deed.body:
            del self._answers[slot]
        if deed.whole and not deed.done:
            self._forget(slot)
        self._forget_first(person.deeds, person.ended - MOST_OF_A_PERSON)
        self._forget_first(self._deeds, self._ended - MOST)
        self._drop_answers()

    def forget_old(self, now: float) -> None:
        """Forget those that were begun longer ago than they are kept."""
        old = []
        for slot, deed in self._deeds.items():
            if deed.begun >= now - KEPT_SECONDS:
                break
            if deed.ended.is_set():
                old.append(slot)
        for slot in old:
            self._forget(slot)

    def _forget_first(self, slots: OrderedDict[Slot, None] | OrderedDict[Slot, Deed], count: int) -> None:
        gone: list[Slot] = []
        for slot in slots if count > 0 else ():
            if self._deeds[slot].ended.is_set():
                gone.append(slot)
                if len(gone) == count:
                    break
        for slot in gone:
            self._forget(slot)

    def _forget(self, slot: Slot) -> None:
        """Of one that has ended."""
        deed = self._deeds.pop(slot)
        self._answers.pop(slot, None)
        self._bytes -= deed.size
        self._ended -= 1
        person = self._people[slot[:2]]
        del person.deeds[slot]
        person.ended -= 1
        if not person.deeds:
            del self._people[slot[:2]]

    def _drop_answers(self) -> None:
        """Let go of the oldest answers where they are too large together; that it was done stays known."""
        dropped: list[Slot] = []
        for slot, deed in self._answers.items() if self._bytes > MOST_BYTES else ():
            if self._bytes <= MOST_BYTES:
                break
            if deed.ended.is_set():
                self._bytes -= deed.size
                deed.body = None
                dropped.append(slot)
        for slot in dropped:
            del self._answers[slot]
