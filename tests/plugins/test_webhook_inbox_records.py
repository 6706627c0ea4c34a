"""The bundled webhook inbox in the whole app: what it keeps, who sees it, and how much it may keep."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.plugin_api import sign_sha256, sign_standard
from tests.conftest import Bear, running_bear

pytestmark = pytest.mark.anyio

INBOX = "/api/webhook-inbox/"
DELIVERIES = "/api/v1/webhook_inbox_deliveries"


async def secret_of(admin: httpx2.AsyncClient) -> str:
    secret: str = (await admin.post(f"{INBOX}secret")).json()["data"]["secret"]
    return secret


async def deliver(client: httpx2.AsyncClient, body: bytes, secret: str | None, **headers: str) -> httpx2.Response:
    """Post `body` as GitHub does, signed with `secret` unless that is None."""
    given = {"content-type": "application/json", "x-github-event": "push", **headers}
    if secret is not None:
        given["x-hub-signature-256"] = sign_sha256(secret, body)
    return await client.post(INBOX, content=body, headers=given)


async def kept(admin: httpx2.AsyncClient) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await admin.get(DELIVERIES)).json()["data"]
    return rows


async def test_it_is_told_from_what_is_sent_and_no_two_models_have_one_label(admin: httpx2.AsyncClient) -> None:
    models = {one["name"]: one for one in (await admin.get("/api/v1/models")).json()["data"]}
    assert {"webhook_inbox_deliveries", "webhook_deliveries"} <= models.keys()
    for name in ("label", "label_plural"):
        labels = [one[name] for one in models.values()]
        assert sorted(labels) == sorted(set(labels))


async def test_a_signed_delivery_is_kept_whole_and_a_repeated_one_only_once(
    admin: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    secret = await secret_of(admin)
    first = await deliver(nobody, b'{"a": 1}', secret, **{"x-github-delivery": "d-1", "x-api-key": "canary"})
    assert first.status_code == 201, first.text
    again = await deliver(nobody, b'{"a": 1}', secret, **{"x-github-delivery": "d-1"})
    assert again.status_code == 200
    (row,) = await kept(admin)
    assert row["id"] == first.json()["data"]["id"]
    assert (row["event"], row["delivery_id"], row["body"], row["size"]) == ("push", "d-1", '{"a": 1}', 8)
    assert row["headers"]["x-github-event"] == "push"
    assert "canary" not in str(row) and "x-hub-signature-256" not in row["headers"]


@pytest.mark.parametrize("secret", [None, "another secret"])
async def test_a_wrong_or_missing_signature_leaves_nothing(
    admin: httpx2.AsyncClient, nobody: httpx2.AsyncClient, secret: str | None
) -> None:
    await secret_of(admin)
    assert (await deliver(nobody, b"{}", secret)).status_code == 401
    assert await kept(admin) == []
    assert (await admin.get("/api/v1/notifications")).json()["data"] == []


async def test_without_a_secret_every_delivery_is_refused(
    admin: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    assert (await deliver(nobody, b"{}", "a guess")).status_code == 401
    assert await kept(admin) == []


async def test_a_body_over_the_limit_is_413_and_leaves_nothing(
    admin: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    answer = await deliver(nobody, b"x" * ((1 << 20) + 1), await secret_of(admin))
    assert answer.status_code == 413
    assert await kept(admin) == []


async def test_admins_alone_are_notified_and_see_deliveries(
    admin: httpx2.AsyncClient, member: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    answer = await deliver(nobody, b"{}", await secret_of(admin))
    record_id = answer.json()["data"]["id"]
    (told,) = (await admin.get("/api/v1/notifications")).json()["data"]
    assert told["source"] == "webhook-inbox"
    assert told["action_url"] == f"#/data/webhook_inbox_deliveries?record={record_id}"
    assert (await member.get("/api/v1/notifications")).json()["data"] == []
    for client, status in ((member, 403), (nobody, 401)):
        for verb, path in (("GET", DELIVERIES), ("GET", f"{DELIVERIES}/{record_id}")):
            assert (await client.request(verb, path)).status_code == status
        assert (await client.delete(f"{DELIVERIES}/{record_id}")).status_code == status
        assert (await client.post(f"{INBOX}secret")).status_code == status
    assert (await admin.post(DELIVERIES, json={"event": "made up"})).status_code == 403
    assert (await admin.delete(f"{DELIVERIES}/{record_id}")).status_code == 200
    assert await kept(admin) == []


async def test_the_oldest_deliveries_go_when_the_cap_is_reached(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data", webhook_deliveries_max_bytes=40_000) as bear:
        admin: httpx2.AsyncClient = await bear.person("ada", "admin")
        nobody = await bear.client()
        secret = await secret_of(admin)
        for number in range(12):
            sent = await deliver(nobody, b"x" * 8_000, secret, **{"content-type": "text/plain"})
            assert sent.status_code == 201, number
        rows = await kept(admin)
        assert rows[-1]["id"] == sent.json()["data"]["id"]
        assert 1 <= len(rows) <= 5
        assert [row["id"] for row in rows] == list(range(rows[0]["id"], rows[-1]["id"] + 1))


def standard(secret: str, body: bytes, *, message_id: str = "msg_1", at: float | None = None) -> dict[str, str]:
    """The headers of Standard Webhooks."""
    now = int(time.time() if at is None else at)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(now),
        "webhook-signature": sign_standard(secret, message_id, now, body),
    }


async def test_standard_webhooks_are_taken_once_and_only_for_five_minutes(
    admin: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    secret, body = await secret_of(admin), b'{"type": "invoice.paid"}'
    for status in (201, 200):
        assert (await deliver(nobody, body, None, **standard(secret, body))).status_code == status
    old = standard(secret, body, message_id="msg_2", at=time.time() - 301)
    assert (await deliver(nobody, body, None, **old)).status_code == 401
    forged = {**standard(secret, body), "webhook-id": "msg_3"}
    assert (await deliver(nobody, body, None, **forged)).status_code == 401
    # A wrong standard signature is not made good by the other kind.
    assert (await deliver(nobody, body, secret, **forged)).status_code == 401
    [row] = await kept(admin)
    assert (row["event"], row["delivery_id"], row["scheme"]) == ("invoice.paid", "msg_1", "standard")
    assert "webhook-signature" not in row["headers"]


async def test_a_kept_delivery_is_told_again_by_an_admin(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    sent = await deliver(nobody, b"{}", await secret_of(admin))
    told: list[Any] = []
    bear.app._bus.subscribe(told.append, ("webhook_inbox_deliveries",))
    where = f"{INBOX}deliveries/{sent.json()['data']['id']}/replay"
    assert (await member.post(where)).status_code == 403
    assert (await admin.post(where)).json()["data"]["replays"] == 1
    assert [event.verb for event in told] == ["update"]
    [row] = await kept(admin)
    assert row["replayed_at"] is not None and row["body"] == "{}"
    assert (await admin.post(f"{INBOX}deliveries/999/replay")).status_code == 404


async def test_the_address_that_is_shown_is_the_public_one(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data", public_url="https://hooks.example/bear") as bear:
        admin = await bear.person("ada", "admin")
        shown = (await admin.get(INBOX)).json()["data"]
        assert shown["url"] == "https://hooks.example/bear/api/webhook-inbox/" and shown["address"] == INBOX
