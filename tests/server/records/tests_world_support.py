"""A running server that plain tests may ask: what hypothesis needs, for its examples are no coroutines."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from hypothesis import HealthCheck, settings

from tests.conftest import Bear, running_bear

T = TypeVar("T")


def profile(examples: int) -> Any:
    """The same examples in every run, but for a campaign of thousands."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=examples < 2000,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


class World:
    """One server and its people, on a loop of their own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, bear: Bear) -> None:
        self.loop = loop
        self.bear = bear
        self.people: dict[str, httpx2.AsyncClient] = {}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def person(self, name: str, role: str = "member", scopes: list[str] | None = None) -> httpx2.AsyncClient:
        """A client of `name`, who is made if need be."""
        self.people[name] = self.run(self.bear.person(name, role, scopes))
        return self.people[name]

    def ask(self, client: httpx2.AsyncClient, method: str, path: str, **how: Any) -> httpx2.Response:
        """One request to /api/v1/…; no answer may be a fault of the server."""
        answer = self.run(client.request(method, f"/api/v1/{path}", **how))
        assert answer.status_code < 500, answer.text
        return answer

    def good(self, client: httpx2.AsyncClient, method: str, path: str, **how: Any) -> Any:
        """The body of an answer that must be good."""
        answer = self.ask(client, method, path, **how)
        assert answer.status_code < 300, f"{method} {path} {how}: {answer.text}"
        return answer.json()


@contextlib.contextmanager
def running_world(folder: Path, **options: Any) -> Iterator[World]:
    """A world with the admin ada in it."""
    loop = asyncio.new_event_loop()
    stack = contextlib.AsyncExitStack()
    try:
        bear = loop.run_until_complete(
            stack.enter_async_context(running_bear(folder, rest_rate_per_second=1e6, **options))
        )
        world = World(loop, bear)
        world.person("ada", "admin")
        yield world
    finally:
        loop.run_until_complete(stack.aclose())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
