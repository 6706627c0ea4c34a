"""Kinds of tasks: who does the work, how many at once, and whether a failed one may be tried again."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from server.access.actor import Actor
from server.errors import (
    Busy,
    Conflict,
    Forbidden,
    GridBearError,
    NotFound,
    RateLimited,
    Unauthorized,
    UpstreamFailed,
    ValidationFailed,
)
from server.tasks.report import Report

Runner = Callable[[Actor, dict[str, Any], Report], Awaitable[Any]]
"""Does the work: for whom, the input, a way to tell how it goes; returns JSON. Raises TaskFailed to say more."""

_FIRST_DELAY_SECONDS, _LONGEST_DELAY_SECONDS = 2.0, 3600.0
_FINAL = (ValidationFailed, Forbidden, Unauthorized, NotFound, Conflict)
"""What would fail in the same way the next time."""
_NOTHING_DONE = (Busy, RateLimited, UpstreamFailed)


class TaskFailed(GridBearError):
    """The work failed. `failure` (JSON) is kept beside the message; `for_good`: trying again would not help."""

    code = "task_failed"

    def __init__(self, message: str, failure: Any = None, *, for_good: bool = False) -> None:
        super().__init__(message)
        self.failure = failure
        self.for_good = for_good


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of task."""

    name: str
    run: Runner
    at_once: int = 4
    """How many of it run at the same time."""
    idempotent: bool = False
    """Done twice is as good as done once: it is begun again after a crash, and may be tried again."""
    retried: bool = False
    """Where it raises Busy, RateLimited or UpstreamFailed nothing is done, and it is tried again all the same."""
    attempts: int = 1
    """How often it is begun at most; more than once only if idempotent or retried."""
    priority: int = 0
    """Of those that wait, the higher goes first."""
    when_lost: Callable[[dict[str, Any]], Awaitable[None]] | None = None
    """Told of the row of a task that failed for good or was interrupted. Raises nothing."""
    for_admins: bool = False
    """Admins end and do again those that are nobody's, such as what a program asked for."""
    schedulable: str = ""
    """What it does, for people who may let it run by a schedule of their own; empty: they may not."""

    def begins_again(self, attempts: int) -> bool:
        """Whether what was broken off in its attempt number `attempts` is begun once more; nothing is for ever."""
        return self.idempotent and attempts < max(2, self.attempts)

    def delay(self, error: Exception, attempts: int) -> float | None:
        """Seconds to wait before the next attempt after `attempts` that failed; None: there is none."""
        again = self.idempotent or (self.retried and isinstance(error, _NOTHING_DONE))
        if not again or attempts >= self.attempts or isinstance(error, _FINAL):
            return None
        if isinstance(error, TaskFailed) and error.for_good:
            return None
        growing = min(_LONGEST_DELAY_SECONDS, _FIRST_DELAY_SECONDS * 2.0 ** min(attempts - 1, 30))
        asked = error.retry_after if isinstance(error, GridBearError) else None
        return max(asked or 0.0, growing * random.uniform(0.8, 1.2))
