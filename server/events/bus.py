"""The event bus: committed changes, told to every subscriber on the event loop."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import Literal, NamedTuple

log = logging.getLogger(__name__)


class RecordChanged(NamedTuple):
    """One committed change of one record; `import` stands for many new ones, and its `record_id` is 0."""

    model: str
    verb: Literal["create", "update", "delete", "import"]
    record_id: int
    owner_id: int | None


class Bus:
    """Subscribers must be quick: what takes longer goes into a task of their own."""

    def __init__(self) -> None:
        self._subscribers: list[tuple[Callable[[RecordChanged], None], Collection[str] | None]] = []
        self._of_model: dict[str, tuple[Callable[[RecordChanged], None], ...]] = {}

    def subscribe(
        self, callback: Callable[[RecordChanged], None], models: Collection[str] | None = None
    ) -> Callable[[], None]:
        """Call `callback` after every commit that changes one of `models` (None: any). Returns what ends this."""
        subscriber = callback, models
        self._subscribers.append(subscriber)
        self._of_model.clear()

        def unsubscribe() -> None:
            if subscriber in self._subscribers:
                self._subscribers.remove(subscriber)
                self._of_model.clear()

        return unsubscribe

    def publish(self, event: RecordChanged) -> None:
        """Tell every subscriber; one that fails is logged and keeps nobody else from hearing it."""
        listening = self._of_model.get(event.model)
        for subscriber in self._listening(event.model) if listening is None else listening:
            try:
                subscriber(event)
            except Exception:
                log.exception("a subscriber of %s failed", event)

    def _listening(self, model: str) -> tuple[Callable[[RecordChanged], None], ...]:
        found = tuple(callback for callback, models in self._subscribers if models is None or model in models)
        self._of_model[model] = found
        return found
