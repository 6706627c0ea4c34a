"""Which of several steps of a unit of work is under way, so that a failure can be told as that of one step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class UnderWay(Generic[T]):
    """Goes through the steps inside the unit; `step` is read when the unit has failed."""

    def __init__(self) -> None:
        self.step: T | None = None
        """None while no step is being done: what fails then is no fault of one."""

    def each(self, steps: Iterable[T]) -> Iterator[T]:
        """The steps, each under way until the next one is asked for."""
        for step in steps:
            self.step = step
            yield step
        self.step = None
