"""The limit of requests: per person, told on every answer, changed while the server runs."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from tests.conftest import Bear, running_bear

pytestmark = pytest.mark.anyio

NOTES = "/api/v1/notes"


def limited(bear: Bear, burst: int, rate: float = 0.001) -> None:
    """Put a limit in force."""
    current = bear.app.settings.current
    bear.app.settings.publish(current.model_copy(update={"rest_rate_burst": burst, "rest_rate_per_second": rate}))


async def test_tokens_and_sessions_of_one_person_share_one_limit(
    bear: Bear, member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    second, browser = await bear.person("max"), await bear.signed_in("max")
    limited(bear, 3)
    assert [(await client.get(NOTES)).status_code for client in (member, second, browser)] == [200, 200, 200]
    assert [(await client.get(NOTES)).status_code for client in (member, second, browser)] == [429, 429, 429]
    assert (await other.get(NOTES)).status_code == 200, "somebody else has a limit of their own"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", NOTES, 200),
        ("POST", NOTES, 422),
        ("GET", f"{NOTES}/99", 404),
        ("GET", "/api/v1/nonsense", 404),
        ("PUT", NOTES, 405),
        ("GET", f"{NOTES}?nonsense=1", 422),
        ("GET", "/api/v1/users", 200),
        ("POST", "/api/v1/users", 403),
        ("GET", "/api/v1/server", 200),
        ("GET", f"{NOTES}/aggregate?sum=nonsense", 422),
        ("POST", "/api/v1/batch", 422),
        ("GET", "/api/v1/access/explain?model=notes&verb=nonsense", 422),
        ("POST", "/api/v1/server/go-on", 403),
    ],
)
async def test_every_answer_tells_what_is_left(
    bear: Bear, member: httpx2.AsyncClient, method: str, path: str, status: int
) -> None:
    limited(bear, 10)
    answer = await member.request(method, path, json={} if method == "POST" else None)
    assert answer.status_code == status, answer.text
    assert answer.headers.get_list("ratelimit") == ['"rest";r=9;t=1000']


async def test_over_the_limit_the_answer_says_which_and_when_to_come_back(
    bear: Bear, member: httpx2.AsyncClient
) -> None:
    limited(bear, 1, rate=0.5)
    await member.get(NOTES)
    for path in (NOTES, "/api/v1/server", f"{NOTES}/1"):
        answer = await member.get(path)
        assert answer.status_code == 429 and answer.json()["code"] == "rate_limited"
        assert answer.headers.get_list("ratelimit") == ['"rest";r=0;t=2']
        assert answer.headers["retry-after"] in ("1", "2")
        assert "rest_rate_per_second" in answer.json()["error"]


async def test_an_admin_changes_the_limit_while_the_server_runs(tmp_path: Path, anyio_backend: str) -> None:
    async with running_bear(tmp_path / "data", rest_rate_burst=None) as bear:
        admin = await bear.person("ada", "admin")
        made = await admin.post("/api/v1/settings", json={"name": "rest_rate_burst", "value": 5})
        assert made.status_code == 201, made.text
        assert (await admin.get(NOTES)).headers["ratelimit"].startswith('"rest";r=4')
        assert (await admin.delete(f"/api/v1/settings/{made.json()['data']['id']}")).status_code == 200
        assert int((await admin.get(NOTES)).headers["ratelimit"].split("r=")[1].split(";")[0]) < 100


async def test_floods_of_strangers_cost_no_memory_and_nobody_elses_limit(
    bear: Bear, member: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    limited(bear, 5)
    known = len(bear.app.authenticator._known)
    for number in range(300):
        answer = await nobody.get(NOTES, headers={"authorization": f"Bearer gb_{number:064}"})
        assert answer.status_code == 401 and "ratelimit" not in answer.headers
    assert (await nobody.get(NOTES)).status_code == 401
    assert len(bear.app.authenticator._known) == known
    assert (await member.get(NOTES)).headers["ratelimit"].startswith('"rest";r=4')
