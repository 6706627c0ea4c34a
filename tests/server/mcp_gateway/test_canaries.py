"""Secrets are planted at every entrance; then everything that can be seen, kept or sent is searched for them."""

from __future__ import annotations

import io
import json
import logging
import zipfile
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import psutil
import pytest
from mcp.shared.exceptions import MCPError
from tests_mcp_support import House, call_text

from server.access.actor import SYSTEM
from server.data_folder import DataFolder

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]
MARK = "canary"


class Canaries:
    """Numbered values that stand for secrets."""

    def __init__(self) -> None:
        self.given = 0
        self.others: list[str] = []
        """Secrets that the server made itself."""

    def new(self, what: str) -> str:
        self.given += 1
        return f"{MARK}-{what}-{self.given}"

    def found_in(self, text: str) -> list[str]:
        return [secret for secret in (MARK, *self.others) if secret in text]


class Watched:
    """A client that remembers every answer."""

    def __init__(self, http: Any) -> None:
        self.http = http
        self.answers: list[tuple[str, str]] = []

    async def __call__(self, method: str, address: str, **options: Any) -> Any:
        answer = await self.http.request(method, address, **options)
        headers = " ".join(f"{name}: {value}" for name, value in answer.headers.items())
        self.answers.append((f"{method} {address}", f"{headers}\n{answer.text}"))
        return answer


async def plant(ask: Watched, birds: Canaries) -> None:
    """Send secrets through every door that takes any, also in ways that are refused."""

    def server(name: str, **more: Any) -> dict[str, Any]:
        env = {"KEY": birds.new("env")}
        return {"name": name, "transport": "stdio", "command": "no-such-program", "env": env, **more}

    servers = "/api/v1/mcp_servers"
    headers = {"Authorization": birds.new("header")}
    assert (await ask("POST", servers, json=server("created"))).status_code == 201
    remote = {"name": "remote", "transport": "http", "url": "http://127.0.0.1:9/mcp", "headers": headers}
    assert (await ask("POST", servers, json=remote)).status_code == 201
    assert (await ask("PATCH", f"{servers}/1", json={"env": {"KEY": birds.new("patch")}})).status_code == 200
    assert (await ask("PUT", f"{servers}/1", json=server("put"))).status_code == 200
    assert (await ask("POST", f"{servers}?upsert=name", json=server("put"))).status_code == 200
    bulk = {"headers": {"X": birds.new("bulk")}}
    assert (await ask("PATCH", f"{servers}/bulk?transport=http", json=bulk)).status_code == 200
    batch = {"operations": [{"verb": "create", "model": "mcp_servers", "values": server("batched")}]}
    assert (await ask("POST", "/api/v1/batch?dry_run=true", json=batch)).status_code == 200
    assert (await ask("POST", "/api/v1/batch", json=batch)).status_code == 200
    rows = json.dumps(server("imported"))
    for options in ("&dry_run=true", ""):
        answer = await ask("POST", f"{servers}/import?format=jsonl{options}", content=rows)
        assert answer.status_code == 200, answer.text
    # Refused ones: the answer may not say the value back.
    assert (await ask("POST", servers, json=server("put"))).status_code == 409
    assert (await ask("POST", servers, json=server("bad", env={"KEY": [birds.new("list")]}))).status_code == 422
    assert (await ask("POST", servers, json=server("bad", env=birds.new("text")))).status_code == 422
    assert (await ask("POST", servers, json=server("bad", transport="none"))).status_code == 422
    assert (await ask("POST", servers, content=f'{{"env": "{birds.new("broken")}"')).status_code == 400
    bad = {"operations": [{"verb": "create", "model": "mcp_servers", "values": server("b", url=7)}]}
    assert (await ask("POST", "/api/v1/batch", json=bad)).status_code == 422
    rows = json.dumps(server("bad", enabled="maybe"))
    assert (await ask("POST", f"{servers}/import?format=jsonl", content=rows)).status_code == 422

    secrets = "/api/v1/secrets"
    assert (await ask("POST", secrets, json={"name": "weather", "value": birds.new("secret")})).status_code == 201
    assert (await ask("POST", secrets, json={"name": "weather", "value": birds.new("twice")})).status_code == 409
    assert (await ask("POST", secrets, json={"name": "x y", "value": birds.new("name")})).status_code == 422
    assert (await ask("POST", secrets, json={"name": "z", "value": birds.new("long") * 2000})).status_code == 422
    assert (await ask("POST", secrets, json={"name": "z", "value": [birds.new("kind")]})).status_code == 422
    assert (await ask("PATCH", f"{secrets}/1", json={"value": birds.new("changed")})).status_code == 200
    assert (await ask("POST", secrets, json={"name": "gone", "value": birds.new("gone")})).status_code == 201
    assert (await ask("DELETE", f"{secrets}/2")).status_code == 200

    person = {"username": "carl", "password": birds.new("a long password")}
    assert (await ask("POST", "/api/v1/users", json=person)).status_code == 201
    login = {"username": "carl", "password": birds.new("a wrong password")}
    assert (await ask("POST", "/auth/login", data=login, headers={"accept": "application/json"})).status_code == 401
    for made in ("/api/webhook-inbox/secret", "/api/v1/backups/recovery-phrase"):
        answer = await ask.http.post(made)
        assert answer.status_code == 201, answer.text
        data = answer.json()["data"]
        birds.others.append(data.get("secret") or data["phrase"])
    confirm = "/api/v1/backups/recovery-phrase/confirm"
    assert (await ask("POST", confirm, json={"phrase": birds.others[-1]})).status_code == 200
    answer = await ask.http.post("/api/v1/api_tokens", json={"name": "script"})
    birds.others.append(answer.json()["data"]["token"])


async def look_everywhere(ask: Watched) -> None:
    """Read all that can be read over REST."""
    models = [model["name"] for model in (await ask("GET", "/api/v1/models")).json()["data"]]
    assert {"mcp_servers", "secrets", "users", "history", "settings"} <= set(models)
    for model in models:
        listed = await ask("GET", f"/api/v1/{model}?limit=500")
        for way in ("csv", "json", "jsonl"):
            await ask("GET", f"/api/v1/{model}/export?format={way}")
        for more in ("/deleted", "/aggregate", f"?q={MARK[:3]}"):
            await ask("GET", f"/api/v1/{model}{more}")
        for row in listed.json().get("data") or ():
            await ask("GET", f"/api/v1/{model}/{row['id']}")
            await ask("GET", f"/api/v1/{model}/{row['id']}/history")
    calls = (await ask("GET", "/api/v1/tool_calls")).json()["data"]
    assert len(calls) >= 4 and "•••" in str(calls)
    for address in (
        "/api/openapi.json",
        "/metrics",
        "/api/v1/gateway/metrics",
        "/api/v1/gateway",
        "/api/v1/server",
        "/api/webhook-inbox/",
        "/healthz",
    ):
        await ask("GET", address)


async def test_no_secret_is_in_the_file_the_log_an_answer_an_event_or_an_argument(
    make_house: MakeHouse, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    birds = Canaries()
    DataFolder(tmp_path).open()
    async with make_house(rest_rate_burst=100_000) as house:
        events: list[Any] = []
        house.app._bus.subscribe(events.append)
        async with house.http("ann") as http:
            ask = Watched(http)
            await plant(ask, birds)
            # Tools of a server that really has a secret; none of them prints it unasked.
            await house.add("up", env={"KEY": birds.new("child"), "WEATHER": "${secret:weather}"})
            async with house.mcp("ann") as client:
                listed = str(await client.list_tools())
                assert await call_text(client, "up__echo", {"text": "hi"}) == "hi"
                # What lies in the vault, sent to a tool that sends it back, and a value named like a secret.
                row = await house.app.records.reveal(SYSTEM, "mcp_servers", 1)
                sealed = [row["env"]["KEY"], (await house.app.records.reveal(SYSTEM, "secrets", 1))["value"]]
                for value in sealed:
                    assert value.startswith(MARK)
                    assert await call_text(client, "up__echo", {"text": f"with {value}."}) == f"with {value}."
                await client.call_tool("up__echo", {"text": "hi", "api_key": birds.new("named")})
                await house.app.gateway.activity.log.flush()
                with pytest.raises(MCPError) as refused:
                    await client.call_tool("put__anything", {})
                ask.answers.append(("tools", listed + str(refused.value)))
                arguments = [" ".join(child.cmdline()) for child in psutil.Process().children(recursive=True)]
                assert any("upstream_server.py" in line for line in arguments)
            await look_everywhere(ask)
            for kind in ("backup", "move"):
                await look_into_archive(ask, birds, kind)

            assert (await house.app.records.reveal(SYSTEM, "mcp_servers", 1))["env"]["KEY"].startswith(MARK)
            assert len(ask.answers) > 100
            for what, text in ask.answers:
                assert birds.found_in(text) == [], what
            assert birds.found_in("\n".join(arguments)) == []
            assert events and birds.found_in(repr(events)) == []
            on_disk(tmp_path, birds)
    on_disk(tmp_path, birds)
    lines = [
        record.getMessage() + (caplog.handler.format(record) if record.exc_info else "")
        for record in caplog.records
        if record.name.partition(".")[0] in ("server", "plugin", "gridbear_desktop")
    ]
    assert lines and birds.found_in("\n".join(lines)) == []
    assert birds.given > 25 and len(birds.others) == 3


async def look_into_archive(ask: Watched, birds: Canaries, kind: str) -> None:
    """A backup or a move file, every member unpacked."""
    made = await ask("POST", "/api/v1/backups", json={"kind": kind})
    assert made.status_code == 201 and made.json()["data"]["secrets"] == "included", made.text
    fetched = await ask.http.get(f"/api/v1/backups/{made.json()['data']['name']}/content")
    with zipfile.ZipFile(io.BytesIO(fetched.content)) as archive:
        names = archive.namelist()
        assert {"database/gridbear.db", "secrets/key-ring.wrapped", "manifest.json"} <= set(names)
        assert ("records/secrets.jsonl" in names) is (kind == "move")
        for name in names:
            assert birds.found_in(archive.read(name).decode("latin-1")) == [], (kind, name)


def on_disk(folder: Path, birds: Canaries) -> None:
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert "gridbear.db" in names
    for path in folder.rglob("*"):
        if path.is_file():
            assert birds.found_in(path.read_bytes().decode("latin-1")) == [], path
