"""What FastAPI remembers of endpoints for the life of the process, and with them of the app that they close over."""

from __future__ import annotations

from fastapi.dependencies import models


def forget_endpoints() -> None:
    """Empty FastAPI's caches of callables: 4,096 entries would keep the app of each restart alive. They fill again."""
    for value in vars(models).values():
        clear = getattr(value, "cache_clear", None)
        if clear is not None:
            clear()
