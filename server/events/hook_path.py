"""Which hooks of plugins led to what is being done just now, each through what the one before it changed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar

_TASK = "the task "
_path: ContextVar[tuple[str, ...]] = ContextVar("hook_path", default=())


def hook_path() -> tuple[str, ...]:
    """The hooks that led here, the first one first, with tasks between them; empty for what comes from outside."""
    return _path.get()


def path_of_task(kind: str) -> tuple[str, ...]:
    """What leads to the deeds of a task of this kind that is submitted here; empty where no hook led here."""
    path, name = _path.get(), f"{_TASK}{kind}"
    last_hook = max((at for at, one in enumerate(path) if not one.startswith(_TASK)), default=None)
    # Tasks that submit each other are no rounds of hooks, and their path is not to grow with them.
    return path if last_hook is None or name in path[last_hook:] else (*path, name)


def rounds(path: Sequence[str]) -> int:
    """How many hooks are in it."""
    return sum(not one.startswith(_TASK) for one in path)


@contextlib.contextmanager
def led_by(path: tuple[str, ...]) -> Iterator[None]:
    """Inside, whatever is changed is led to by these hooks."""
    token = _path.set(path)
    try:
        yield
    finally:
        _path.reset(token)
