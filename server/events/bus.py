"""The event bus: committed changes, told to every subscriber on the event loop."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RecordChanged:
    """One committed change of one record; `import` stands for many new ones, and its `record_id` is 0."""

    model: str
    verb: Literal["create", "update", "delete", "import"]
    record_id: int
    owner_id: int | None


class Bus:
    """Subscribers must be quick: what takes longer goes into a task of their own."""

    def __init__(self) -> None:
        self._subscribers: list[Callable[[RecordChanged], None]] = []

    def subscribe(self, callback: Callable[[RecordChanged], None]) -> Callable[[], None]:
        """Call `callback` after every commit. Returns the function that ends this."""
        self._subscribers.append(callback)

        def unsubscribe() -> None:
            if callback in self._subscribers:
                self._subscribers.remove(callback)

        return unsubscribe

    def publish(self, event: RecordChanged) -> None:
        """Tell every subscriber; one that fails is logged and keeps nobody else from hearing it."""
        for subscriber in tuple(self._subscribers):
            try:
                subscriber(event)
            except Exception:
                log.exception("a subscriber of %s failed", event)
