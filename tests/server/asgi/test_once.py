"""Requests with an Idempotency-Key that leave no record: done once, told again, and nothing is told to anybody else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from starlette.types import Message, Receive, Scope, Send

from server.access.actor import Actor
from server.asgi import kept_deeds
from server.asgi.kept_deeds import KEPT_SECONDS
from server.asgi.once import Once
from server.errors import Unauthorized

pytestmark = pytest.mark.anyio
MAX = Actor("token", 7, "max", "member", credential_id=1)


class Deeds:
    """An app that counts how often it was asked, behind a Once, with a client of any caller."""

    def __init__(self) -> None:
        self.count = 0
        self.status = 200
        self.headers: list[tuple[bytes, bytes]] = [(b"content-type", b"text/plain")]
        self.body = b"deed"
        self.meanwhile: Callable[[], Awaitable[None]] | None = None
        self.caller: Actor | None = MAX
        self.now = 0.0
        self.app = Once(
            self.answer,
            actor_for=self.who,
            covers=lambda path: path.startswith("/do"),
            limit=lambda: 1000,
            clock=lambda: self.now,
        )

    def who(self, _scope: Scope) -> Actor:
        if self.caller is None:
            raise Unauthorized("Sign in.")
        return self.caller

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.count += 1
        asked = (await receive())["body"]
        if self.meanwhile is not None:
            await self.meanwhile()
        headers = [*self.headers, (b"ratelimit", b"secret")]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        await send({"type": "http.response.body", "body": b" %d of " % self.count + asked})

    async def send(
        self, key: bytes | None = b"key", *, body: bytes = b"body", to: str = "/do", verb: str = "POST"
    ) -> httpx2.Response:
        transport = httpx2.ASGITransport(self.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://bear") as client:
            headers = [] if key is None else [(b"idempotency-key", key)]
            return await client.request(verb, to, content=body, headers=headers)


def refused(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["ok"], body["code"]) == (status, False, code), answer.text
    assert "idempotency-replayed" not in answer.headers
    return body


async def test_what_is_sent_twice_is_done_once_and_told_twice() -> None:
    deeds = Deeds()
    first, second = await deeds.send(), await deeds.send()
    assert first.text == second.text == "deed 1 of body" and deeds.count == 1
    assert "idempotency-replayed" not in first.headers and second.headers["idempotency-replayed"] == "true"
    assert second.headers["content-type"] == "text/plain" and "ratelimit" not in second.headers
    assert (await deeds.send(b"another")).text == "deed 2 of body"


async def test_without_a_key_or_elsewhere_or_for_nobody_all_is_as_ever() -> None:
    deeds = Deeds()
    for _ in range(2):
        await deeds.send(None)
        await deeds.send(to="/elsewhere")
        await deeds.send(verb="PUT")
    assert deeds.count == 6
    deeds.caller = None
    for _ in range(2):
        assert "idempotency-replayed" not in (await deeds.send()).headers
    assert deeds.count == 8


async def test_those_that_come_while_the_first_is_busy_wait_for_its_answer() -> None:
    deeds, may = Deeds(), asyncio.Event()

    async def wait() -> None:
        await may.wait()

    deeds.meanwhile = wait
    sent = [asyncio.create_task(deeds.send()) for _ in range(5)]
    other = asyncio.create_task(deeds.send(body=b"other"))
    refused(await other, 422, "idempotency_key_reused")
    assert not any(task.done() for task in sent)
    may.set()
    answers = await asyncio.gather(*sent)
    assert {answer.text for answer in answers} == {"deed 1 of body"} and deeds.count == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 4


async def test_another_body_address_or_parameter_with_the_same_key_is_refused() -> None:
    deeds = Deeds()
    await deeds.send()
    for other in ({"body": b"another"}, {"to": "/do/2"}, {"to": "/do?dry_run=true"}):
        refused(await deeds.send(**other), 422, "idempotency_key_reused")
    assert deeds.count == 1


@pytest.mark.parametrize("key", [b"", b"two words", b"x" * 256, b"\x7f"])
async def test_what_can_be_no_key_is_refused_and_a_large_body_too(key: bytes) -> None:
    deeds = Deeds()
    assert "UUID" in refused(await deeds.send(key), 400, "idempotency_key_invalid")["error"]
    refused(await deeds.send(body=b"x" * 1001), 413, "too_large")
    assert deeds.count == 0


@pytest.mark.parametrize(
    "other",
    [
        Actor("token", 8, "olga", "admin", credential_id=1),
        Actor("token", 7, "max", "member", credential_id=2),
        Actor("user", 7, "max", "member", credential_id=1),
    ],
)
async def test_a_key_is_of_one_credential_alone(other: Actor) -> None:
    deeds = Deeds()
    await deeds.send()
    deeds.caller = other
    assert (await deeds.send()).text == "deed 2 of body"
    assert (await deeds.send(b"of-max", body=b"mine")).status_code == 200


async def test_whoever_may_less_by_now_is_not_told_and_nothing_is_done_again() -> None:
    deeds = Deeds()
    await deeds.send()
    deeds.caller = Actor("token", 7, "max", "guest", credential_id=1)
    refused(await deeds.send(), 409, "idempotency_answer_gone")
    assert deeds.count == 1


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422, 429, 503, 507])
async def test_what_was_refused_may_come_again_with_its_key(status: int) -> None:
    deeds = Deeds()
    deeds.status = status
    assert (await deeds.send()).status_code == status
    deeds.status = 200
    assert (await deeds.send()).text == "deed 2 of body"


@pytest.mark.parametrize("status", [500, 502])
async def test_what_may_have_been_done_though_it_failed_is_not_done_again(status: int) -> None:
    deeds = Deeds()
    deeds.status = status
    first = await deeds.send()
    deeds.status = 200
    again = await deeds.send()
    assert (again.status_code, again.text) == (status, first.text) and deeds.count == 1


async def test_what_was_broken_off_is_not_done_again() -> None:
    deeds, begun = Deeds(), asyncio.Event()

    async def break_down() -> None:
        raise RuntimeError("a plug was pulled")

    deeds.meanwhile = break_down
    with pytest.raises(RuntimeError):
        await deeds.send(b"broken")

    async def hang() -> None:
        begun.set()
        await asyncio.Event().wait()

    deeds.meanwhile = hang
    first = asyncio.create_task(deeds.send(b"cancelled"))
    await begun.wait()
    second = asyncio.create_task(deeds.send(b"cancelled"))
    await asyncio.sleep(0)
    first.cancel()
    refused(await second, 409, "idempotency_interrupted")
    deeds.meanwhile = None
    for key in (b"broken", b"cancelled"):
        refused(await deeds.send(key), 409, "idempotency_interrupted")
    assert deeds.count == 2


async def test_a_refusal_of_the_first_lets_one_of_the_others_try() -> None:
    deeds, may = Deeds(), asyncio.Event()

    async def wait() -> None:
        await may.wait()

    deeds.meanwhile, deeds.status = wait, 503
    first = asyncio.create_task(deeds.send())
    others = [asyncio.create_task(deeds.send()) for _ in range(3)]
    while deeds.count == 0:
        await asyncio.sleep(0)

    async def mend() -> None:
        deeds.status = 200

    may.set()
    deeds.meanwhile = mend
    assert (await first).status_code == 503
    answers = await asyncio.gather(*others)
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, "deed 2 of body")} and deeds.count == 2


@pytest.mark.parametrize("header", [(b"cache-control", b"private, no-store"), (b"set-cookie", b"a=b")])
async def test_what_is_for_nobody_to_keep_is_not_kept(header: tuple[bytes, bytes]) -> None:
    deeds = Deeds()
    deeds.headers.append(header)
    assert (await deeds.send()).text == "deed 1 of body"
    assert "deed 1" not in str(refused(await deeds.send(), 409, "idempotency_answer_gone"))
    assert deeds.count == 1 and deeds.app._deeds.bytes_held == 0


async def test_large_answers_are_told_whole_and_not_kept() -> None:
    deeds = Deeds()
    deeds.body = b"x" * (kept_deeds.LARGEST_ANSWER + 1)
    assert len((await deeds.send()).content) > kept_deeds.LARGEST_ANSWER
    refused(await deeds.send(), 409, "idempotency_answer_gone")
    assert deeds.count == 1


async def test_a_key_holds_for_an_hour() -> None:
    deeds = Deeds()
    await deeds.send()
    deeds.now = KEPT_SECONDS
    assert (await deeds.send()).text == "deed 1 of body"
    deeds.now += 1
    assert (await deeds.send()).text == "deed 2 of body"
    assert len(deeds.app._deeds) == 1


async def test_a_person_keeps_so_many_and_all_together_so_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_deeds, "MOST_OF_A_PERSON", 3)
    monkeypatch.setattr(kept_deeds, "MOST", 5)
    deeds = Deeds()
    for number in range(5):
        await deeds.send(b"key-%d" % number)
    assert len(deeds.app._deeds) == 3
    assert "idempotency-replayed" in (await deeds.send(b"key-2")).headers
    assert "idempotency-replayed" not in (await deeds.send(b"key-1")).headers
    for person in range(20, 26):
        deeds.caller = Actor("token", person, "one", "member", credential_id=person)
        await deeds.send()
    assert len(deeds.app._deeds) == 5
    monkeypatch.setattr(kept_deeds, "MOST_BYTES", 30)
    await deeds.send(b"newest")
    assert deeds.app._deeds.bytes_held <= 30
    count = deeds.count
    deeds.caller = Actor("token", 22, "one", "member", credential_id=22)
    refused(await deeds.send(), 409, "idempotency_answer_gone")
    assert deeds.count == count


async def test_whoever_hangs_up_while_sending_has_done_nothing() -> None:
    deeds = Deeds()
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/do",
        "query_string": b"",
        "headers": [(b"idempotency-key", b"key")],
    }
    await deeds.app(scope, receive, send)
    assert sent == [] and deeds.count == 0
    assert (await deeds.send()).text == "deed 1 of body"
