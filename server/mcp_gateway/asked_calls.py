"""Calls over REST whose server may ask their caller something: they wait for the answer and then go on."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from server.access.actor import Actor
from server.auth.endings import Endings
from server.errors import NotFound
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.failures import UPSTREAM_FAILED, UPSTREAM_TIMEOUT, CallFailed

CAPABILITIES: Mapping[str, Any] = {"elicitation": {"form": {}, "url": {}}, "sampling": {}}
"""What a person at a page can answer."""
ANSWER_SECONDS = 600.0
_MOST_ROUNDS = 32
_MOST_OF_PERSON = 16
_MOST_AT_ONCE = 100


class MakeCall(Protocol):
    """Calls a tool by its public name; `more` goes on with a call that its server asked something in."""

    def __call__(
        self, caller: Caller, name: str, arguments: dict[str, Any], more: Mapping[str, Any] | None = None
    ) -> Awaitable[dict[str, Any]]: ...


@dataclass(slots=True)
class _Question:
    method: str
    params: Mapping[str, Any]
    answer: asyncio.Future[dict[str, Any]]


@dataclass(slots=True, eq=False)
class _Running:
    """One call. `news` is set when it asks something, or is over."""

    actor: Actor
    key: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    news: asyncio.Event = field(default_factory=asyncio.Event)
    open: dict[str, _Question] = field(default_factory=dict)
    task: asyncio.Task[dict[str, Any]] = field(init=False)
    unwatch: Callable[[], None] = field(init=False)
    asked: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """What the server wants to know: the id of each question, with its `method` and `params` as it wrote them."""

    key: str
    questions: list[dict[str, Any]]


class AskedCalls:
    """Keeps them while a person thinks, in memory; whose credential ends, or who does not answer, ends theirs."""

    def __init__(self, make: MakeCall, endings: Endings, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._make = make
        self._endings = endings
        self._answer_seconds = answer_seconds
        self._running: dict[str, _Running] = {}

    async def begin(self, actor: Actor, client: str, name: str, arguments: dict[str, Any]) -> dict[str, Any] | Asked:
        """The result of a call, or what its server asks first. Raises CallFailed."""
        # Only those that wait for an answer: a call that works is nobody's to end.
        mine = [one for one in self._running.values() if one.open and one.actor.user_id == actor.user_id]
        for one in mine[: max(0, len(mine) - _MOST_OF_PERSON + 1)]:
            _end(one)
        running = _Running(actor)
        caller = Caller(
            actor=actor,
            client=client,
            asked_in_either_era=True,
            capabilities=CAPABILITIES,
            ask=lambda method, params: self._ask(running, method, params),
        )
        running.task = asyncio.create_task(self._whole(running, caller, name, arguments))
        running.unwatch = self._endings.watch(actor, lambda: _end(running))
        self._running[running.key] = running
        running.task.add_done_callback(lambda _task: self._over(running))
        return await self._next(running)

    async def answer(self, actor: Actor, key: str, answers: Mapping[str, dict[str, Any]]) -> dict[str, Any] | Asked:
        """Go on with a call: its result, or what is asked next. Raises NotFound, CallFailed."""
        running = self._of(actor, key)
        for one in answers:
            if one not in running.open:
                raise NotFound(f"The call asks nothing with the id {one} now.")
        for one, given in answers.items():
            waiting = running.open.pop(one).answer
            if not waiting.done():
                waiting.set_result(given)
        return await self._next(running)

    def cancel(self, actor: Actor, key: str) -> None:
        """End a call that is not over. Raises NotFound."""
        _end(self._of(actor, key))

    async def stop(self) -> None:
        """End all."""
        tasks = [running.task for running in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _of(self, actor: Actor, key: str) -> _Running:
        running = self._running.get(key)
        if running is None or _asker(running.actor) != _asker(actor):
            raise NotFound("There is no such call of yours that waits for an answer. It may have ended: call again.")
        return running

    async def _whole(self, running: _Running, caller: Caller, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The call, again and again while its server answers with questions, as the newest era has it."""
        result = await self._make(caller, name, arguments)
        for _ in range(_MOST_ROUNDS):
            wanted = result.get("inputRequests")
            if result.get("resultType") != "input_required" or not isinstance(wanted, Mapping):
                break
            given = await self._all(running, wanted)
            state = {"requestState": result["requestState"]} if "requestState" in result else {}
            result = await self._make(caller, name, arguments, {"inputResponses": given, **state})
        return result

    async def _all(self, running: _Running, wanted: Mapping[str, Any]) -> dict[str, Any]:
        if not all(isinstance(one, Mapping) and isinstance(one.get("method"), str) for one in wanted.values()):
            raise CallFailed(UPSTREAM_FAILED, "The server wants to know something, but does not say what.")
        if len(wanted) > _MOST_AT_ONCE:
            raise CallFailed(UPSTREAM_FAILED, f"The server asks more than {_MOST_AT_ONCE} things at once.")
        asking = [
            asyncio.ensure_future(self._ask(running, one["method"], one.get("params") or {})) for one in wanted.values()
        ]
        try:
            return dict(zip(wanted, await asyncio.gather(*asking), strict=True))
        finally:
            for one in asking:
                one.cancel()

    async def _ask(self, running: _Running, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        running.asked += 1
        key = str(running.asked)
        question = _Question(method, params, asyncio.get_running_loop().create_future())
        running.open[key] = question
        running.news.set()
        try:
            async with asyncio.timeout(self._answer_seconds):
                return await question.answer
        except TimeoutError as error:
            text = f"The server asked something that nobody answered in {self._answer_seconds:g} s."
            raise CallFailed(UPSTREAM_TIMEOUT, text) from error
        finally:
            running.open.pop(key, None)

    async def _next(self, running: _Running) -> dict[str, Any] | Asked:
        try:
            while not running.task.done() and not running.open:
                running.news.clear()
                await running.news.wait()
        except asyncio.CancelledError:
            # Who asked for it has hung up.
            running.task.cancel()
            raise
        if running.task.done():
            if running.task.cancelled():
                raise CallFailed(UPSTREAM_TIMEOUT, "The call was ended before its server had answered.")
            return running.task.result()
        questions = [{"id": key, "method": one.method, "params": one.params} for key, one in running.open.items()]
        return Asked(running.key, questions)

    def _over(self, running: _Running) -> None:
        running.unwatch()
        del self._running[running.key]
        running.news.set()
        with contextlib.suppress(asyncio.CancelledError):
            running.task.exception()  # whoever waits for it hears of it


def _end(running: _Running) -> None:
    running.task.cancel()


def _asker(actor: Actor) -> tuple[Any, ...]:
    return actor.kind, actor.user_id, actor.credential_id
