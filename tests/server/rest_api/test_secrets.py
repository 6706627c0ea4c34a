"""The model `secrets`: values go in and never come out, and only admins know of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from server.access.actor import SYSTEM
from server.plugin_host.secrets import PluginSecrets
from tests.conftest import Bear, running_bear

pytestmark = pytest.mark.anyio
VALUE = "canary-51c0ffee"


def value_of(bear: Bear, name: str) -> Any:
    row = bear.app.records.look_up(SYSTEM, "secrets", "name", name)
    return None if row is None else row["value"]


async def test_a_value_goes_in_and_never_comes_out(bear: Bear, admin: Any) -> None:
    seen = []
    made = await admin.post("/api/v1/secrets", json={"name": "weather", "value": VALUE, "description": "of the sky"})
    seen.append(made)
    assert made.status_code == 201
    assert set(made.json()["data"]) == {"id", "name", "description", "created_at", "updated_at"}
    assert value_of(bear, "weather") == VALUE
    seen.append(await admin.put("/api/v1/secrets/1", json={"name": "weather"}))
    assert value_of(bear, "weather") == VALUE
    seen.append(await admin.patch("/api/v1/secrets/1", json={"value": f"{VALUE}-2"}))
    assert value_of(bear, "weather") == f"{VALUE}-2"
    for address in (
        "/api/v1/secrets",
        "/api/v1/secrets/1",
        "/api/v1/secrets/1/history",
        "/api/v1/secrets/export?format=csv",
        "/api/v1/secrets/export?format=jsonl",
        "/api/v1/secrets/aggregate",
        f"/api/v1/secrets?q={VALUE}",
        f"/api/v1/secrets?value={VALUE}",
        "/api/v1/secrets?sort=value",
        "/api/v1/secrets?fields=name,value",
        "/api/v1/secrets/aggregate?group_by=value",
        '/api/v1/secrets?domain=["value","=","x"]',
    ):
        answer = await admin.get(address)
        seen.append(answer)
        if "value" in address and VALUE not in address.partition("q=")[2]:
            assert answer.status_code == 422, address
    seen.append(await admin.patch("/api/v1/secrets/1", json={"value": None}))
    assert value_of(bear, "weather") is None
    for answer in seen:
        assert VALUE not in answer.text.replace(f"?q={VALUE}", "")
        assert "gb1:" not in answer.text
    assert (await admin.get("/api/v1/secrets?q=weather")).json()["count"] == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "a b", "value": "x"}, "name"),
        ({"name": "-a", "value": "x"}, "name"),
        ({"value": "x"}, "name"),
        ({"name": "n", "value": 7}, "value"),
        ({"name": "n", "value": "x" * 16_385}, "value"),
        ({"name": "n", "value": "a\x00b"}, "value"),
    ],
)
async def test_what_can_not_be_a_secret_is_refused_by_the_field(admin: Any, values: Any, field: str) -> None:
    answer = await admin.post("/api/v1/secrets", json=values)
    assert answer.status_code == 422
    assert list(answer.json()["fields"]) == [field]


async def test_a_name_is_there_once(admin: Any) -> None:
    assert (await admin.post("/api/v1/secrets", json={"name": "n", "value": "1"})).status_code == 201
    answer = await admin.post("/api/v1/secrets", json={"name": "n", "value": "2"})
    assert (answer.status_code, list(answer.json()["fields"])) == (409, ["name"])


async def test_nobody_but_admins_knows_of_secrets(
    bear: Bear, admin: Any, member: Any, guest_role: Any, nobody: Any
) -> None:
    await admin.post("/api/v1/secrets", json={"name": "weather", "value": VALUE})
    # Neither can a rule give it away.
    for verb in ("any", "list", "update"):
        rule = {"role": "member", "model": "secrets", "verb": verb, "extent": "all"}
        assert (await admin.post("/api/v1/access_rules", json=rule)).status_code == 422
    for client, status in ((nobody, 401), (guest_role, 403), (member, 403)):
        answers = [
            await client.post("/api/v1/secrets", json={"name": "x", "value": "y"}),
            await client.patch("/api/v1/secrets/1", json={"value": "y"}),
            await client.put("/api/v1/secrets/1", json={"name": "y"}),
            await client.delete("/api/v1/secrets/1"),
        ]
        assert [answer.status_code for answer in answers] == [status] * 4
        for address in ("/api/v1/secrets", "/api/v1/secrets/1", "/api/v1/secrets/export"):
            answer = await client.get(address)
            assert answer.status_code in (status, 403, 404)
            assert "weather" not in answer.text
    assert value_of(bear, "weather") == VALUE


async def test_a_deleted_secret_comes_back_without_its_value(bear: Bear, admin: Any) -> None:
    await admin.post("/api/v1/secrets", json={"name": "weather", "value": VALUE})
    await admin.delete("/api/v1/secrets/1")
    assert VALUE not in (await admin.get("/api/v1/secrets/deleted")).text
    assert (await admin.post("/api/v1/secrets/1/restore")).status_code == 200
    assert (value_of(bear, "weather"), value_of(bear, "nobody")) == (None, None)


async def test_a_plugins_secret_is_a_record_and_the_environment_wins(bear: Bear, admin: Any) -> None:
    secrets = PluginSecrets("weather", bear.app.records, {})
    assert secrets.get("key") is None
    await secrets.put("key", VALUE)
    await secrets.put("key", f"{VALUE}-2")
    assert secrets.get("key") == f"{VALUE}-2"
    [row] = (await admin.get("/api/v1/secrets")).json()["data"]
    assert (row["name"], row["description"]) == ("weather.key", "Of the plugin weather.")
    await admin.patch(f"/api/v1/secrets/{row['id']}", json={"value": "set by an admin"})
    assert secrets.get("key") == "set by an admin"
    assert PluginSecrets("weather", bear.app.records, {"GRIDBEAR_WEATHER_KEY": "env"}).get("key") == "env"


async def test_files_in_which_plugins_secrets_lay_become_records_and_are_erased(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "secrets"
    folder.mkdir(parents=True)
    (folder / "webhook-inbox.secret").write_text(f"{VALUE}\n")
    (folder / "webhook-inbox.Not A Name").write_text("stays")
    (folder / "elsewhere.secret").write_text("of a plugin that is not there")
    for _ in range(2):
        async with running_bear(tmp_path / "data") as bear:
            assert value_of(bear, "webhook-inbox.secret") == VALUE
            assert not (folder / "webhook-inbox.secret").exists()
            assert (folder / "elsewhere.secret").exists()
            assert (folder / "webhook-inbox.Not A Name").exists()
    for path in (tmp_path / "data").rglob("*"):
        assert not path.is_file() or VALUE.encode() not in path.read_bytes()


@pytest.mark.parametrize("field", ["command", "cwd", "args"])
async def test_a_secret_can_not_become_an_argument(admin: Any, field: str) -> None:
    server = {"name": "x", "transport": "stdio", "command": "clock", "args": ["--now"]}
    value = "--key=${secret:weather}"
    answer = await admin.post("/api/v1/mcp_servers", json={**server, field: [value] if field == "args" else value})
    assert answer.status_code == 422
    assert answer.json()["fields"][field]["code"] == "secret_not_here"
    assert json.loads(answer.text)["fields"].keys() == {field}
