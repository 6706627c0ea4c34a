"""What servers tell by themselves, on its way to all who may hear it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from server.mcp_gateway.upstreams.config import ServerConfig

_log = logging.getLogger(__name__)

TOOLS_CHANGED = "notifications/tools/list_changed"
PROMPTS_CHANGED = "notifications/prompts/list_changed"
RESOURCES_CHANGED = "notifications/resources/list_changed"
RESOURCE_UPDATED = "notifications/resources/updated"
LISTS_CHANGED = (TOOLS_CHANGED, PROMPTS_CHANGED, RESOURCES_CHANGED)


class Origin(Protocol):
    """The connection that a notice is about: what decides who may hear of it."""

    @property
    def config(self) -> ServerConfig: ...


@dataclass(frozen=True, slots=True)
class Notice:
    """One notification. `upstream` None: it is not about one connection, and concerns everybody.

    `before` was in its place: who could use that one is concerned too.
    """

    method: str
    upstream: Origin | None = None
    before: Origin | None = None
    params: Mapping[str, Any] | None = None


class Notices:
    """Hands each notice to all listeners, at once. They must not wait."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[Notice], None]] = []

    def listen(self, listener: Callable[[Notice], None]) -> Callable[[], None]:
        """Hear all of them; call what this returns to hear no more."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def tell(self, notice: Notice) -> None:
        """Pass one on."""
        for listener in list(self._listeners):
            try:
                listener(notice)
            except Exception:  # one listener's fault is not the others'
                _log.exception("a listener failed at %s", notice.method)

    def lists_changed(self, upstream: Origin | None = None, before: Origin | None = None) -> None:
        """Everything that it offers may be another, or may be offered to others."""
        for method in LISTS_CHANGED:
            self.tell(Notice(method, upstream, before))


class OwnNotices:
    """Those about one connection."""

    def __init__(self, notices: Notices, upstream: Origin) -> None:
        self._notices, self._upstream = notices, upstream

    def tell(self, method: str, params: Mapping[str, Any] | None = None) -> None:
        """Pass one on."""
        self._notices.tell(Notice(method, self._upstream, params=params))

    def lists_changed(self) -> None:
        """Everything that it offers may be another."""
        self._notices.lists_changed(self._upstream)
