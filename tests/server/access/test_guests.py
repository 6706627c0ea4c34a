"""A guest walks through everything that can be read: nothing of anybody else's is told."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.access.actor import SYSTEM
from tests.conftest import Bear, running_bear
from tests.server.rest_api.test_events import actor, begin, changes, message, streams_of
from tests.server.web.doors import INTERNAL_SECRET, doors

pytestmark = pytest.mark.anyio
V1 = "/api/v1"
STREAMS = {f"{V1}/events", f"{V1}/gateway/{{server_id}}/resources/updates", "/mcp", "/mcp/{server}"}
MARK = "zebra"
"""In everything that is not for guests."""
MODEL = {
    "name": "zebras", "label": "Zebra", "label_plural": "Zebras",
    "fields": [{"name": "zebraname", "type": "text", "searchable": True}],
}  # fmt: skip


async def furnish(bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient) -> None:
    """Something of everything, in the names of others."""
    for who, model, values in (
        (admin, "models", MODEL), (admin, "zebras", {"zebraname": "zebra row"}),
        (member, "notes", {"title": "zebra note", "body": "zebra body"}),
        (admin, "secrets", {"name": "zebra-secret", "value": "zebra value"}),
        (admin, "groups", {"name": "zebra group"}), (member, "preferences", {"key": "zebra", "value": "zebra"}),
        (admin, "webhooks", {"name": "zebra hook", "url": "https://example.org/zebra", "events": ["notes.create"]}),
        (member, "schedules", {"name": "zebra schedule", "task": "remind", "input": {"title": "zebra"},
                               "every_seconds": 3600}),
        (member, "files?name=zebra.txt", None),
    ):  # fmt: skip
        sent: dict[str, Any] = {"content": b"zebra content"} if values is None else {"json": values}
        answer = await who.post(f"{V1}/{model}", **sent)
        assert answer.status_code == 201, answer.text
    owner = {"owner_id": bear.ids["zebramember"]}
    await bear.app.records.create(SYSTEM, "notifications", {"title": "zebra news", **owner})
    server = {"name": "zebraserver", "transport": "stdio", "command": sys.executable, "args": ["/zebra"], "env": {}}
    await bear.app.records.create(SYSTEM, "mcp_servers", server)
    shared = {"name": "open", "transport": "stdio", "command": "/zebra", "args": ["zebra"], "env": {"ZEBRA": "zebra"}}
    await bear.app.records.create(SYSTEM, "mcp_servers", {**shared, "visibility": "everyone"})


@pytest.mark.parametrize("session", [False, True])
async def test_no_door_tells_a_guest_of_what_is_not_theirs(tmp_path: Path, session: bool) -> None:
    async with running_bear(tmp_path / "data", request_log="everything", internal_api_secret=INTERNAL_SECRET) as bear:
        await furnish(bear, await bear.person("zebraadmin", "admin"), await bear.person("zebramember"))
        guest = await bear.person("gus", "guest")
        if session:
            guest = await bear.signed_in("gus")
        models = [spec.name for spec in bear.app.records.registry if spec.name != "zebras"]
        told = 0
        for address in sorted({address for verb, address in doors(bear) if verb == "GET"} - STREAMS):
            for model in models if "model}" in address else ("",):
                for number in ("1", "2") if "_id}" in address else ("",):
                    path = re.sub(r"\{(a )?model\}", model, address)
                    path = re.sub(r"\{\w+_id\}", number, path)
                    answer = await guest.get(re.sub(r"\{[^}]+\}", "x", path), headers={"accept": "application/json"})
                    assert answer.status_code < 500 or answer.json()["code"] == "upstream_failed", answer.text
                    assert MARK not in answer.text.lower(), f"{path}: {answer.text[:500]}"
                    told += answer.status_code == 200
        assert told > 50
        absent = await guest.get(f"{V1}/quaggas")
        hidden = await guest.get(f"{V1}/zebras")
        assert absent.status_code == hidden.status_code == 404
        assert absent.json()["error"].replace("quaggas", "zebras") == hidden.json()["error"]


async def test_a_guest_hears_of_their_own_changes_alone(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, guest_role: httpx2.AsyncClient
) -> None:
    streams, _ = streams_of(bear)
    heard = await begin(streams.open(await actor(bear, guest_role), "", None))
    assert (await member.post(f"{V1}/preferences", json={"key": "his", "value": 1})).status_code == 201
    assert (await member.post(f"{V1}/notes", json={"title": "his"})).status_code == 201
    assert (await admin.post(f"{V1}/groups", json={"name": "friends"})).status_code == 201
    mine = await guest_role.post(f"{V1}/preferences", json={"key": "mine", "value": 1})
    assert changes(await message(heard)) == [("preferences", "create", mine.json()["data"]["id"])]
