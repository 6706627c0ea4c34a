"""Which hooks of plugins led to what is being done just now, each through what the one before it changed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

_path: ContextVar[tuple[str, ...]] = ContextVar("hook_path", default=())


def hook_path() -> tuple[str, ...]:
    """The hooks that led here, the first one first; empty for what comes from outside."""
    return _path.get()


@contextlib.contextmanager
def led_by(path: tuple[str, ...]) -> Iterator[None]:
    """Inside, whatever is changed is led to by these hooks."""
    token = _path.set(path)
    try:
        yield
    finally:
        _path.reset(token)
