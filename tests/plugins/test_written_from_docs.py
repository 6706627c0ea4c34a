"""The plugins in `examples`, written from the docs alone: each is checked, installed, switched on and used."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.plugin_host.package import pack
from server.plugin_host.permissions import preview
from tests.conftest import Bear
from tests.server.plugin_host.tests_plugin_support import on, wheel
from tests.server.tasks.tests_tasks_support import ended
from tests.server.webhooks.tests_webhooks_support import receiving

pytestmark = pytest.mark.anyio

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NAMES = tuple(sorted(folder.name for folder in EXAMPLES.iterdir()))


async def installed(ada: httpx2.AsyncClient, tmp_path: Path, name: str) -> None:
    """Packed, looked at, put in place by the API and switched on, as a person does it."""
    archive = tmp_path / f"{name}.zip"
    pack(EXAMPLES / name, archive)
    sent: dict[str, Any] = {"content": archive.read_bytes(), "headers": {"content-type": "application/zip"}}
    looked = await ada.post(f"/api/v1/plugins/install?dry_run=true&name={name}", **sent)
    assert looked.status_code == 200, looked.text
    told = looked.json()["data"]
    permissions = told["manifest"]["permissions"]
    assert told["permissions"] == preview(permissions) and told["warnings"] == []
    answer = await ada.post(f"/api/v1/plugins/install?name={name}&content_hash={told['content_hash']}", **sent)
    assert answer.status_code == 200, answer.text
    if told["manifest"]["requirements"]:
        assert (await ada.post(f"/api/v1/plugins/{name}/libraries", json={})).status_code == 200
    row = await on(ada, name, *permissions)
    assert (row["state"], row["error"]) == ("on", None)


async def call(client: httpx2.AsyncClient, tool: str, **arguments: Any) -> Any:
    answer = await client.post("/api/v1/gateway/call", json={"tool": tool, "arguments": arguments})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_command_finds_nothing_wrong_with_it(name: str, tmp_path: Path) -> None:
    wheel(tmp_path, "humanize", "4.9.0")
    env = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}
    command = [sys.executable, "-m", "gridbear_desktop", "plugin", "check", str(EXAMPLES / name), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False, env=env)
    told = json.loads(done.stdout)
    assert (done.returncode, told["error"], told["warnings"]) == (0, None, []), told


async def test_a_shopping_list_in_data_for_ai_clients_and_on_a_page(
    house: Bear, ada: httpx2.AsyncClient, tmp_path: Path
) -> None:
    await installed(ada, tmp_path, "shopping-list")
    await call(ada, "shopping-list__put", what="Honey")
    await call(ada, "shopping-list__put", what="Honey", amount=2)
    [row] = (await ada.get("/api/v1/shopping_list_items")).json()["data"]
    assert (row["what"], row["amount"], row["shop"], row["bought"]) == ("Honey", 3, "other", False)
    assert "Honey" in json.dumps(await call(ada, "shopping-list__to_buy"))
    await call(ada, "shopping-list__bought", what="Honey")
    assert "Honey" not in json.dumps(await call(ada, "shopping-list__to_buy"))
    assert "is not on the list" in json.dumps(await call(ada, "shopping-list__bought", what="Honey"))
    page = await ada.get("/plugins/shopping-list/ui/main.js")
    assert page.status_code == 200 and "page({" in page.text
    assert (await (await house.client()).get("/plugins/shopping-list/ui/main.js")).status_code == 401


async def test_the_weather_is_asked_for_by_a_schedule_and_kept(
    house: Bear, ada: httpx2.AsyncClient, tmp_path: Path
) -> None:
    await installed(ada, tmp_path, "weather-log")

    async def asked() -> dict[str, Any]:
        [schedule] = (await ada.get("/api/v1/schedules?plugin=weather-log")).json()["data"]
        task = (await ada.post(f"/api/v1/schedules/{schedule['id']}/run")).json()["data"]
        return await ended(house, task["key"])

    assert (await ada.get("/api/weather-log/latest")).status_code == 404
    async with receiving() as service:
        settings = {"url": service.url, "city": "Bolzano", "api_key": "k3y"}
        assert (await ada.put("/api/v1/plugins/weather-log/settings", json=settings)).status_code == 200
        service.text = '{"degrees": 21.5, "sky": "clear"}'
        done = await asked()
        assert (done["status"], done["result"]) == ("completed", {"degrees": 21.5}), done["error"]
        assert service.got[0].headers["authorization"] == "Bearer k3y" and "k3y" not in str(done)
        service.text = '{"weather": "none"}'
        failed = await asked()
        assert failed["status"] == "failed" and "gave no weather" in failed["error"]
    latest = (await ada.get("/api/weather-log/latest")).json()["data"]
    assert latest == {"city": "Bolzano", "degrees": 21.5, "sky": "clear"}
    assert (await (await house.client()).get("/api/weather-log/latest")).status_code == 401


async def test_a_star_is_told_once_and_only_with_a_right_signature(
    house: Bear, ada: httpx2.AsyncClient, tmp_path: Path
) -> None:
    await installed(ada, tmp_path, "github-stars")
    assert (await ada.put("/api/v1/plugins/github-stars/settings", json={"secret": "s3cret"})).status_code == 200
    github = await house.client()

    async def send(told: Any, *, secret: str = "s3cret", event: str = "star") -> httpx2.Response:
        body = json.dumps(told).encode()
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        head = {"X-Hub-Signature-256": f"sha256={signature}", "X-GitHub-Event": event, "X-GitHub-Delivery": "d-1"}
        return await github.post("/api/github-stars/hook", content=body, headers=head)

    star = {"action": "created", "repository": {"full_name": "ada/bear"}, "sender": {"login": "max"}}
    assert (await send(star, secret="guessed")).status_code == 401
    assert (await github.post("/api/github-stars/hook", json=star)).status_code == 401
    assert (await send(star, event="ping")).json()["data"] == "not about stars"
    assert (await send({"action": "created"})).status_code == 400
    assert (await send({**star, "action": "deleted"})).json()["data"] == "a star was taken back"
    assert (await ada.get("/api/v1/github_stars_stars")).json()["count"] == 0
    assert (await send(star)).json()["data"] == "thanks"
    assert (await send(star)).json()["data"] == "known already"
    [row] = (await ada.get("/api/v1/github_stars_stars")).json()["data"]
    assert (row["who"], row["repository"]) == ("max", "ada/bear")
    told = (await ada.get("/api/v1/notifications?source=github-stars")).json()["data"]
    assert [it["title"] for it in told] == ["max starred ada/bear"]
    assert (await github.get("/api/github-stars/address")).status_code == 401
    assert (await ada.get("/api/github-stars/address")).json()["data"]["url"].endswith("/api/github-stars/hook")
