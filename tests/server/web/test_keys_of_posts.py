"""Which POSTs can't double: all of them take an Idempotency-Key but those that are known here."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from tests.conftest import Bear
from tests.server.webhooks.tests_webhooks_support import at_home, delivery, ended, hook, receiving

pytestmark = pytest.mark.anyio
READ_ONLY = {"/api/v1/import/guess"}
NOT_YET_SOMEBODY = ("/auth/", "/oauth/", "/_desktop/", "/api/internal/", "/gateway/")
"""Who comes here is nobody yet, an app with a protocol of its own, or a program of this computer."""
SAME_TWICE = {"/api/v1/backups/upload"}
"""A backup that is uploaded twice is one file of its name."""
WITH_A_KEY_ALL_THE_SAME = {"/auth/invites", "/auth/resets"}


async def test_every_post_takes_a_key_or_is_known_to_need_none(bear: Bear, admin: httpx2.AsyncClient) -> None:
    paths = (await admin.get("/api/openapi.json")).json()["paths"]
    posts = {path: operations["post"] for path, operations in paths.items() if "post" in operations}
    with_key = {
        path
        for path, operation in posts.items()
        if [one for one in operation.get("parameters", ()) if one["name"] == "Idempotency-Key"]
    }
    without = {path for path in set(posts) - with_key if not path.startswith(NOT_YET_SOMEBODY)}
    assert without == READ_ONLY | SAME_TWICE
    assert with_key >= WITH_A_KEY_ALL_THE_SAME and len(with_key) > 40
    assert all(
        len([one for one in posts[path]["parameters"] if one["name"] == "Idempotency-Key"]) == 1 for path in with_key
    )


async def test_deeds_of_the_pages_are_done_once_for_a_key(tmp_path: Path) -> None:
    async with receiving() as receiver, at_home(tmp_path) as bear:
        ada = await bear.person("ada")
        made = await hook(ada, receiver.url)
        note = (await ada.post("/api/v1/notes", json={"title": "gone"})).json()["data"]["id"]
        [row] = await delivery(bear, ended(1))
        assert (await ada.delete(f"/api/v1/notes/{note}")).status_code == 200
        await receiver.wait(2)
        servers = {"text": '{"mcpServers": {"clock": {"command": "clock"}}}', "enabled": False}
        for number, (path, body) in enumerate(
            {
                f"/api/v1/webhooks/{made['id']}/test": None,
                f"/api/v1/webhook_deliveries/{row['id']}/redeliver": None,
                f"/api/v1/notes/{note}/restore": None,
                "/api/v1/gateway/import": servers,
            }.items()
        ):
            headers = {"idempotency-key": str(number)}
            answers = [await ada.post(path, json=body, headers=headers) for _ in range(3)]
            assert {answer.status_code for answer in answers} <= {200, 201, 202}, answers[0].text
            assert len({answer.content for answer in answers}) == 1
            assert ["idempotency-replayed" in answer.headers for answer in answers] == [False, True, True]
        assert (await ada.get("/api/v1/mcp_servers?name__like=clock%")).json()["count"] == 1
        # Made, deleted, tested, sent again, brought back.
        assert len(await receiver.wait(5)) == 5
        await delivery(bear, lambda rows: all(one["status"] == "delivered" for one in rows))
        assert len(receiver.got) == 5
