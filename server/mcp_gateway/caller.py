"""Who asks the gateway for something: a person, through a program, at one of the addresses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from server.access.actor import Actor

Progress = Callable[[float, float | None, str | None], Coroutine[Any, Any, None]]
"""`done`, `total`, `message`."""
Tell = Callable[[str, Mapping[str, Any] | None], Coroutine[Any, Any, None]]
"""Send a notification: method and params."""
Ask = Callable[[str, Mapping[str, Any]], Awaitable[dict[str, Any]]]
"""Send a request, method and params, and wait for its result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """One request's sender. `progress`, `tell` and `ask` lead back to the client while the request is answered."""

    actor: Actor
    client: str | None = None
    """The program that asks, as it names itself."""
    server: str | None = None
    """The server whose own address was used; None: that of all servers, where names have prefixes."""
    few_tools: bool = False
    """It wants only our own tools listed, and finds the others by searching."""
    typing: bool = False
    """It is a person at the page, in the middle of a word: no call that they made."""
    modern: bool = False
    """It speaks 2026-07-28, which has no sessions and lets no server ask."""
    asked_in_either_era: bool = False
    """It takes questions while a server works, and as a result that is to be answered with another call."""
    session: str | None = None
    capabilities: Mapping[str, Any] = field(default_factory=dict)
    """What its client can do, as it wrote it."""
    log_level: str | None = None
    """The least grave message for a log that it wants to hear; None: none."""
    progress: Progress | None = None
    tell: Tell | None = None
    ask: Ask | None = None

    def takes(self, extension: str) -> bool:
        """Whether its client knows an extension of the protocol."""
        extensions = self.capabilities.get("extensions")
        return isinstance(extensions, Mapping) and extension in extensions
