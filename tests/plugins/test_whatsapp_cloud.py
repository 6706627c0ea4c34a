"""The bundled WhatsApp plugin in the whole app, against a stand-in that speaks Graph's protocol."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.responses import Response

from server.plugin_api import sign_sha256
from server.tasks import kinds
from tests.conftest import Bear, running_bear
from tests.plugins.tests_graph_support import NUMBER_ID, TOKEN, Graph, serving

pytestmark = pytest.mark.anyio
PLUGIN = "/api/whatsapp-cloud"
MESSAGES, STATUSES = "/api/v1/whatsapp_cloud_messages", "/api/v1/whatsapp_cloud_statuses"
APP_SECRET, VERIFY = "the app secret of the tests", "the verify token of the tests"
INTERNAL = "the internal secret of the tests"
PERMISSIONS = ["mcp_tools", "messages", "network", "notifications", "secrets", "tasks"]
SETTINGS = {"phone_number_id": NUMBER_ID, "access_token": TOKEN, "app_secret": APP_SECRET, "verify_token": VERIFY}


@pytest.fixture
async def graph(anyio_backend: str) -> AsyncIterator[Graph]:
    async with serving() as graph:
        yield graph


@pytest.fixture
async def bear(tmp_path: Path, anyio_backend: str) -> AsyncIterator[Bear]:
    async with running_bear(tmp_path / "data", internal_api_secret=INTERNAL) as running:
        yield running


@pytest.fixture
async def ready(graph: Graph, admin: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """Ada, with the plugin on and set up."""
    answer = await admin.post("/api/v1/plugins/whatsapp-cloud/enable", json={"permissions": PERMISSIONS})
    assert answer.json()["data"]["state"] == "on", answer.text
    await configure(admin, graph)
    return admin


async def configure(admin: httpx2.AsyncClient, graph: Graph, **more: Any) -> None:
    values = {**SETTINGS, "graph_url": graph.url, **more}
    answer = await admin.put("/api/v1/plugins/whatsapp-cloud/settings", json=values)
    assert answer.status_code == 200 and answer.json()["data"]["state"] == "on", answer.text
    assert TOKEN not in answer.text and APP_SECRET not in answer.text


def delivery(number: str = NUMBER_ID, **value: Any) -> dict[str, Any]:
    """A delivery as Meta writes it."""
    metadata = {"display_phone_number": "390612345", "phone_number_id": number}
    change = {"field": "messages", "value": {"messaging_product": "whatsapp", "metadata": metadata, **value}}
    return {"object": "whatsapp_business_account", "entry": [{"id": "8856996819413533", "changes": [change]}]}


def text_of(body: str, message_id: str = "wamid.in1") -> dict[str, Any]:
    message = {"from": "393331234567", "id": message_id, "timestamp": "1764355200", "type": "text",
               "text": {"body": body}}  # fmt: skip
    contact = {"profile": {"name": "Maja"}, "wa_id": "393331234567"}
    return delivery(contacts=[contact], messages=[message])


def image(media_id: str, message_id: str = "wamid.image") -> dict[str, Any]:
    about = {"caption": "Look", "mime_type": "image/png", "sha256": "x", "id": media_id}
    message = {"from": "393331234567", "id": message_id, "timestamp": "1764355200", "type": "image", "image": about}
    return delivery(messages=[message])


def status(state: str, message_id: str = "wamid.out1", **more: Any) -> dict[str, Any]:
    told = {"id": message_id, "status": state, "timestamp": "1764355300", "recipient_id": "393331234567", **more}
    return delivery(statuses=[told])


async def deliver(client: httpx2.AsyncClient, what: Any, secret: str = APP_SECRET) -> httpx2.Response:
    body = what if isinstance(what, bytes) else json.dumps(what).encode()
    headers = {"content-type": "application/json", "x-hub-signature-256": sign_sha256(secret, body)}
    return await client.post(f"{PLUGIN}/webhook", content=body, headers=headers)


async def rows(admin: httpx2.AsyncClient, model: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await admin.get(model)).json()["data"]
    return found


async def until(there: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(10):
        while not (found := await there()):
            await asyncio.sleep(0)
        return found


async def fetched(admin: httpx2.AsyncClient) -> dict[str, Any]:
    """The message, once its file is there or will never be."""

    async def look() -> Any:
        [row] = await rows(admin, MESSAGES)
        return row if row["file"] or row["file_error"] else None

    found: dict[str, Any] = await until(look)
    return found


async def test_it_is_off_until_an_admin_switches_it_on(
    bear: Bear, admin: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    [row] = (await admin.get("/api/v1/plugins?name=whatsapp-cloud")).json()["data"]
    assert (row["state"], row["enabled"]) == ("off", False)
    assert (await deliver(nobody, text_of("hello"))).status_code == 404
    assert (await admin.get(MESSAGES)).status_code == 404


async def test_meta_verifies_the_address_by_the_verify_token_alone(
    ready: httpx2.AsyncClient, nobody: httpx2.AsyncClient, graph: Graph
) -> None:
    def ask(token: str, challenge: str = "1158201444", mode: str = "subscribe") -> Awaitable[httpx2.Response]:
        asked = {"hub.mode": mode, "hub.verify_token": token, "hub.challenge": challenge}
        return nobody.get(f"{PLUGIN}/webhook", params=asked)

    good = await ask(VERIFY)
    assert (good.status_code, good.text) == (200, "1158201444")
    assert good.headers["content-type"].startswith("text/plain")
    assert (await ask("guessed")).status_code == 403
    assert (await ask(VERIFY, mode="unsubscribe")).status_code == 403
    assert (await ask(VERIFY, challenge="<script>")).status_code == 422
    assert (await nobody.get(f"{PLUGIN}/webhook")).status_code == 422
    await configure(ready, graph, verify_token=None)
    assert (await ask("")).status_code == 403


async def test_a_message_is_stored_once_before_the_answer_and_told_to_admins_alone(
    bear: Bear, ready: httpx2.AsyncClient, nobody: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    for _ in range(2):
        assert (await deliver(nobody, text_of("Ciao \U0001f43b \0"))).status_code == 200
    [row] = await rows(ready, MESSAGES)
    assert (row["direction"], row["contact"], row["contact_name"]) == ("in", "393331234567", "Maja")
    assert (row["text"], row["state"], row["kind"]) == ("Ciao \U0001f43b \ufffd", "received", "text")
    assert row["at"] == "2025-11-28T18:40:00.000Z" and row["content"]["id"] == "wamid.in1"
    [notice] = (await ready.get("/api/v1/notifications")).json()["data"]
    assert notice["title"] == "WhatsApp from Maja" and notice["owner_id"] == bear.ids["ada"]
    assert (await member.get(MESSAGES)).status_code == 403


async def test_two_deliveries_of_one_message_at_once_make_one_record(
    ready: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    answers = await asyncio.gather(*(deliver(nobody, text_of("hello")) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(await rows(ready, MESSAGES)) == 1
    assert (await ready.get("/api/v1/notifications")).json()["count"] == 1


async def test_what_meta_did_not_sign_is_refused_and_leaves_nothing(
    ready: httpx2.AsyncClient, nobody: httpx2.AsyncClient, graph: Graph
) -> None:
    assert (await deliver(nobody, text_of("hello"), secret="another")).status_code == 401
    assert (await nobody.post(f"{PLUGIN}/webhook", json=text_of("hello"))).status_code == 401
    signed = sign_sha256(APP_SECRET, b"{}")
    other = await nobody.post(f"{PLUGIN}/webhook", json=text_of("hello"), headers={"x-hub-signature-256": signed})
    assert other.status_code == 401
    await configure(ready, graph, app_secret=None)
    assert (await deliver(nobody, text_of("hello"))).status_code == 401
    assert await rows(ready, MESSAGES) == []


@pytest.mark.parametrize(
    ("what", "answer"),
    [
        (b"{", 400), (b"[" * 100_000, 400), (b"[]", 200), (b'{"object": "page", "entry": [{"changes": [{}]}]}', 200),
        (json.dumps(delivery("999", messages=[{"id": "1", "from": "2", "type": "text"}])).encode(), 200),
        (json.dumps(delivery(messages=[{"id": 5, "from": None}, "x"], statuses=[{}], contacts=3)).encode(), 200),
    ],
)  # fmt: skip
async def test_what_is_signed_but_not_for_us_or_not_readable_leaves_nothing_and_is_not_sent_for_ever(
    what: bytes, answer: int, ready: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    assert (await deliver(nobody, what)).status_code == answer
    assert await rows(ready, MESSAGES) == [] == await rows(ready, STATUSES)


async def test_the_file_of_a_message_is_fetched_and_kept(
    bear: Bear, ready: httpx2.AsyncClient, nobody: httpx2.AsyncClient, member: httpx2.AsyncClient, graph: Graph
) -> None:
    graph.media["123"] = (b"\x89PNG\r\n\x1a\n and so on", "image/png")
    assert (await deliver(nobody, image("123"))).status_code == 200
    row = await fetched(ready)
    assert (row["text"], row["file_error"]) == ("Look", None)
    file = await ready.get(f"/api/v1/files/{row['file']}/content")
    assert (file.content, file.headers["content-type"]) == (graph.media["123"][0], "image/png")
    assert (await member.get(f"/api/v1/files/{row['file']}")).status_code == 404
    await deliver(nobody, image("123"))
    assert [path for _, path, _ in graph.asked] == ["/v23.0/123", "/v23.0/download/123"]


async def test_a_file_that_is_too_large_or_gone_is_told_with_its_message(
    ready: httpx2.AsyncClient, nobody: httpx2.AsyncClient, graph: Graph
) -> None:
    await configure(ready, graph, media_max_bytes=10)
    graph.media["123"] = (b"x" * 11, "image/png")
    await deliver(nobody, image("123"))
    assert "at most 10" in (await fetched(ready))["file_error"]
    await ready.delete(f"{MESSAGES}/1")
    await deliver(nobody, image("gone", "wamid.gone"))
    row = await fetched(ready)
    assert row["file"] is None and "does not exist" in row["file_error"]
    assert TOKEN not in row["file_error"]
    await ready.delete(f"{MESSAGES}/{row['id']}")
    await deliver(nobody, image("../me", "wamid.odd"))
    assert "404" in (await fetched(ready))["file_error"]


async def test_a_file_that_could_not_be_fetched_for_now_is_fetched_later(
    ready: httpx2.AsyncClient, nobody: httpx2.AsyncClient, graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kinds, "_FIRST_DELAY_SECONDS", 0.0)
    graph.media["123"] = (b"\x89PNG\r\n\x1a\n and so on", "image/png")
    graph.fail(500, 131000, "Something went wrong")
    graph.next.append(Response("bad gateway", 502))
    await deliver(nobody, image("123"))
    assert (await fetched(ready))["file_error"] is None
    assert len(graph.asked) == 4


async def test_an_admin_sends_and_statuses_tell_what_became_of_it(
    ready: httpx2.AsyncClient, nobody: httpx2.AsyncClient, graph: Graph
) -> None:
    # Meta may be quicker with its word than with its answer.
    await deliver(nobody, status("sent"))
    sent = await ready.post(f"{PLUGIN}/messages", json={"to": "+39 333 1234567", "text": "Salve"})
    assert sent.status_code == 201, sent.text
    assert graph.asked == [
        ("POST", f"/v23.0/{NUMBER_ID}/messages",
         {"messaging_product": "whatsapp", "recipient_type": "individual", "to": "393331234567", "type": "text",
          "text": {"body": "Salve"}})
    ]  # fmt: skip
    for state in ("delivered", "delivered", "read", "sent"):
        assert (await deliver(nobody, status(state))).status_code == 200
    [row] = await rows(ready, MESSAGES)
    assert (row["direction"], row["state"], row["text"]) == ("out", "read", "Salve")
    assert [it["state"] for it in await rows(ready, STATUSES)] == ["sent", "delivered", "read"]
    await deliver(nobody, status("failed", errors=[{"code": 131049, "title": "t", "error_data": {"details": "Why"}}]))
    [row] = await rows(ready, MESSAGES)
    assert (row["state"], row["error"]) == ("failed", "Why (code 131049)")


@pytest.mark.parametrize(
    ("status", "code", "answer", "told", "word"),
    [
        (401, 190, 409, "whatsapp_token", "Make a new one at Meta"),
        (400, 131047, 409, "whatsapp_refused", "within a day"),
        (400, 131030, 409, "whatsapp_refused", "list of test numbers"),
        (429, 130429, 429, "rate_limited", "no more for now"),
        (400, 131056, 429, "rate_limited", "no more for now"),
        (503, 131016, 502, "upstream_failed", "out of order"),
    ],
)
async def test_errors_of_graph_are_told_plainly_and_leave_no_record(
    status: int, code: int, answer: int, told: str, word: str, ready: httpx2.AsyncClient, graph: Graph
) -> None:
    graph.fail(status, code, "A message of Graph", "Details of Graph")
    got = await ready.post(f"{PLUGIN}/messages", json={"to": "+39333123456", "text": "Salve"})
    assert (got.status_code, got.json()["code"]) == (answer, told), got.text
    assert word in got.json()["error"] and "Details of Graph" in got.json()["error"]
    assert await rows(ready, MESSAGES) == []


async def test_as_a_channel_it_waits_out_a_rate_limit_and_sends_once(
    bear: Bear, ready: httpx2.AsyncClient, graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kinds, "_FIRST_DELAY_SECONDS", 0.0)
    graph.fail(429, 130429, "Rate limit hit", "Too many", **{"retry-after": "0"})
    graph.fail(500, 1, "An unknown error")
    told = await send_by_channel(bear, "Salve")
    assert (told["status"], told["attempts"], told["error"]) == ("completed", 3, None)
    assert told["result"] == {"message_id": "wamid.out1", "record": 1}
    assert len(await rows(ready, MESSAGES)) == 1


@pytest.mark.parametrize("answer", [Response("bad gateway", 502), Response("{", 200), Response("{}", 200)])
async def test_as_a_channel_it_never_sends_again_what_may_have_gone_out(
    answer: Response, bear: Bear, ready: httpx2.AsyncClient, graph: Graph
) -> None:
    graph.next.append(answer)
    told = await send_by_channel(bear, "Salve")
    assert (told["status"], told["attempts"]) == ("failed", 1) and "nobody knows whether" in told["error"]
    assert len(graph.asked) == 1


async def send_by_channel(bear: Bear, text: str) -> dict[str, Any]:
    program = await bear.client(authorization=f"Bearer {INTERNAL}")
    given = {"platform": "whatsapp", "chat_id": "+39 333 1234567", "text": text}
    answer = await program.post("/api/internal/send-message", json=given)
    assert answer.status_code == 202, answer.text
    key = answer.json()["data"]["task_id"]

    async def look() -> Any:
        found = (await program.get(f"/api/internal/send-message/{key}")).json()["data"]
        return found if found["status"] in ("completed", "failed") else None

    found: dict[str, Any] = await until(look)
    return found


async def test_ai_clients_of_admins_send_by_a_tool_and_those_of_members_do_not(
    ready: httpx2.AsyncClient, member: httpx2.AsyncClient, graph: Graph
) -> None:
    def call(client: httpx2.AsyncClient, **arguments: Any) -> Awaitable[httpx2.Response]:
        given = {"tool": "whatsapp-cloud__send_message", "arguments": arguments}
        return client.post("/api/v1/gateway/call", json=given)

    sent = await call(ready, to="+39333123456", text="Salve")
    assert sent.status_code == 200 and "wamid.out1" in sent.text, sent.text
    wrong = await call(ready, to="Maja", text="Salve")
    assert "within the last 24 hours" in wrong.text
    long = await call(ready, to="+39333123456", text="x" * 4097)
    assert "4,096" in long.text
    assert (await call(member, to="+39333123456", text="Salve")).status_code >= 400
    assert len(graph.asked) == 1


async def test_who_may_not_send_sends_nothing_and_an_admin_sees_what_is_missing(
    bear: Bear, ready: httpx2.AsyncClient, member: httpx2.AsyncClient, nobody: httpx2.AsyncClient, graph: Graph
) -> None:
    message = {"to": "+39333123456", "text": "Salve"}
    for client, answer in ((nobody, 401), (member, 403), (await bear.person("gus", "guest"), 403)):
        assert (await client.post(f"{PLUGIN}/messages", json=message)).status_code == answer
        assert (await client.get(f"{PLUGIN}/")).status_code == answer
    assert graph.asked == []
    about = (await ready.get(f"{PLUGIN}/")).json()["data"]
    assert about == {"webhook": "http://127.0.0.1:8088/api/whatsapp-cloud/webhook", "missing": []}
    await ready.put("/api/v1/plugins/whatsapp-cloud/settings", json={"access_token": None})
    assert (await ready.get(f"{PLUGIN}/")).json()["data"]["missing"] == ["phone_number_id", "access_token"]
    refused = await ready.post(f"{PLUGIN}/messages", json=message)
    assert refused.status_code == 409 and "phone number id" in refused.json()["error"]
