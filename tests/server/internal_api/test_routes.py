"""/api/internal: the secret, and notifications for one or for all."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from server.access.actor import Actor
from server.errors import GridBearError, Unauthorized
from server.internal_api.guard import internal_guard
from server.internal_api.routes import internal_router
from server.internal_api.secret import internal_secret

pytestmark = pytest.mark.anyio


class People:
    """Two active people, and the notifications they get."""

    def __init__(self) -> None:
        self.made: list[dict[str, Any]] = []

    async def find(
        self, actor: Actor, model: str, *, where: dict[str, Any] | None = None, sort: str = "id", limit: int = 500
    ) -> list[dict[str, Any]]:
        wanted = where or {}
        name = wanted.get("username", wanted.get("username__ilike"))
        people = [{"id": 1, "username": "ann"}, {"id": 2, "username": "bob"}]
        return [p for p in people if p["id"] > wanted.get("id__gt", 0) and name in (None, p["username"])]

    async def create(self, actor: Actor, model: str, values: Mapping[str, Any]) -> dict[str, Any]:
        self.made.append(dict(values))
        return {"id": len(self.made)}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def _client(people: People, secret: str, sent: str | None) -> httpx2.AsyncClient:
    app = FastAPI()
    app.include_router(internal_router(people, internal_guard(lambda: secret, lambda: False)))

    async def answer(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({}, 401 if isinstance(error, Unauthorized) else 422)

    app.add_exception_handler(GridBearError, answer)
    headers = {} if sent is None else {"Authorization": f"Bearer {sent}"}
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://127.0.0.1", headers=headers)


@pytest.mark.parametrize(("secret", "sent"), [("right", None), ("right", "wrong"), ("", ""), ("", None)])
async def test_a_wrong_missing_or_empty_secret_is_401(secret: str, sent: str | None) -> None:
    async with _client(People(), secret, sent) as http:
        assert (await http.get("/api/internal/health")).status_code == 401


async def test_health_answers_the_holder_of_the_secret() -> None:
    async with _client(People(), "right", "right") as http:
        assert (await http.get("/api/internal/health")).json()["data"]["status"] == "ok"


@pytest.mark.parametrize(("username", "owners"), [(None, [1, 2]), ("bob", [2])])
async def test_a_notification_reaches_one_or_all(username: str | None, owners: list[int]) -> None:
    people = People()
    async with _client(people, "right", "right") as http:
        answer = await http.post("/api/internal/notifications", json={"title": "Hi", "username": username})
    assert answer.status_code == 201
    assert [row["owner_id"] for row in people.made] == owners


@pytest.mark.parametrize(
    "body", [{}, {"title": ""}, {"title": "x", "colour": 1}, {"title": "x", "username": "nobody"},
             {"title": "x", "action_url": "javascript:alert(1)"}]
)  # fmt: skip
async def test_values_that_cannot_be_used_are_422(body: dict[str, Any]) -> None:
    people = People()
    async with _client(people, "right", "right") as http:
        assert (await http.post("/api/internal/notifications", json=body)).status_code == 422
    assert people.made == []


def test_a_secret_is_made_once_and_kept_private(tmp_path: Path) -> None:
    made = internal_secret(tmp_path, "")
    assert internal_secret(tmp_path, "") == made
    assert internal_secret(tmp_path, "given") == "given"
    assert stat.S_IMODE((tmp_path / "secrets" / "internal-api").stat().st_mode) == 0o600
