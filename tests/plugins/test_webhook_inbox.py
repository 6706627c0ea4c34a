"""The bundled webhook inbox behind its real mount, with records kept in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import httpx2
import pytest
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from server.access.actor import ANONYMOUS, Actor
from server.config import Settings, SettingsHolder
from server.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    GridBearError,
    MethodNotAllowed,
    NotFound,
    TooLarge,
    Unauthorized,
    ValidationFailed,
)
from server.plugin_api import sign_sha256
from server.plugin_host.context import HostContext
from server.plugin_host.load import load_router
from server.plugin_host.mount import PluginMount
from server.plugin_host.permissions import Permissions
from server.plugin_host.watchdog import Watchdog
from server.this_computer import resource_dir

pytestmark = pytest.mark.anyio

SECRET = "a secret of the test"
DELIVERIES = "webhook_inbox_deliveries"
ADMIN = Actor(kind="user", user_id=1, username="ann", role="admin")
MEMBER = Actor(kind="user", user_id=2, username="bob", role="member")
STATUS = {
    BadRequest: 400, Unauthorized: 401, Forbidden: 403, NotFound: 404, MethodNotAllowed: 405, Conflict: 409,
    TooLarge: 413, ValidationFailed: 422,
}  # fmt: skip


class MemoryRecords:
    """Rows in lists, `delivery_id` unique."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {"users": [{"id": 1, "role": "admin", "is_active": True}]}

    async def find(
        self, actor: Actor, model: str, *, where: dict[str, Any] | None = None, sort: str = "id", limit: int = 500
    ) -> list[dict[str, Any]]:
        wanted = dict(where or {})
        after = wanted.pop("id__gt", 0)
        rows = [r for r in self.rows.get(model, []) if r["id"] > after]
        return [r for r in rows if all(r.get(key) == value for key, value in wanted.items())][:limit]

    async def get(self, actor: Actor, model: str, record_id: int, /) -> dict[str, Any]:
        raise NotFound("none")

    async def create(self, actor: Actor, model: str, values: Mapping[str, Any], /) -> dict[str, Any]:
        rows = self.rows.setdefault(model, [])
        known = values.get("delivery_id") if model == DELIVERIES else None
        if known is not None and any(row["delivery_id"] == known for row in rows):
            raise Conflict("delivery_id is taken")
        rows.append({**values, "id": len(rows) + 1})
        return rows[-1]

    async def update(self, actor: Actor, model: str, record_id: int, values: Mapping[str, Any], /) -> dict[str, Any]:
        row = self.rows[model][record_id - 1]
        row.update(values)
        return row

    async def delete(self, actor: Actor, model: str, record_id: int, /) -> None:
        raise NotFound("none")

    def look_up(self, actor: Actor, model: str, column: str, value: Any) -> dict[str, Any] | None:
        return next((row for row in self.rows.get(model, []) if row[column] == value), None)


async def send_error(error: GridBearError, scope: Scope, receive: Receive, send: Send) -> None:
    body = {"ok": False, "error": error.message, "code": error.code}
    await JSONResponse(body, STATUS.get(type(error), 500))(scope, receive, send)


class Inbox:
    """The mounted plugin, the caller it sees and the rows it keeps."""

    def __init__(self, data_dir: Path) -> None:
        self.caller = ANONYMOUS
        self.records = MemoryRecords()
        settings = SettingsHolder(Settings(data_dir=data_dir, webhook_body_bytes=2048))
        permissions = Permissions("webhook-inbox", ["notifications", "secrets"])
        router = load_router("webhook-inbox", resource_dir("plugins") / "webhook-inbox")
        assert router is not None
        mount = PluginMount(
            HostContext("webhook-inbox", self.records, [DELIVERIES], permissions, settings, lambda name: False),
            router,
            public=True,
            settings=settings,
            actor_for=lambda scope: self.caller,
            send_error=send_error,
            when_it_fails=AsyncMock(),
            watchdog=Watchdog(dict, lambda plugin_id, where, stack: None),
        )
        self.http = httpx2.AsyncClient(transport=httpx2.ASGITransport(mount), base_url="http://127.0.0.1")

    @property
    def kept(self) -> list[dict[str, Any]]:
        return self.records.rows.get(DELIVERIES, [])

    async def deliver(self, body: bytes, **headers: str) -> httpx2.Response:
        given = {"content-type": "application/json", "x-hub-signature-256": sign_sha256(SECRET, body)}
        given.update({name.replace("_", "-"): value for name, value in headers.items()})
        return await self.http.post("/", content=body, headers={k: v for k, v in given.items() if v != "-"})


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Inbox]:
    monkeypatch.setenv("GRIDBEAR_WEBHOOK_INBOX_SECRET", SECRET)
    box = Inbox(tmp_path)
    async with box.http:
        yield box


async def test_a_signed_delivery_is_kept_and_the_admins_are_told(inbox: Inbox) -> None:
    answer = await inbox.deliver(b'{"a": 1}', x_github_event="push", x_github_delivery="d1", authorization="Bearer x")
    assert answer.status_code == 201
    assert inbox.kept[0]["body"] == '{"a": 1}'
    assert inbox.kept[0]["event"] == "push"
    assert not {"authorization", "x-hub-signature-256"} & set(inbox.kept[0]["headers"])
    assert [row["owner_id"] for row in inbox.records.rows["notifications"]] == [1]


@pytest.mark.parametrize("signature", ["-", "sha256=" + "0" * 64, "sha1=abc"])
async def test_a_missing_or_wrong_signature_is_401_and_leaves_nothing(inbox: Inbox, signature: str) -> None:
    answer = await inbox.deliver(b"{}", x_hub_signature_256=signature)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert list(inbox.records.rows) == ["users"]


async def test_without_a_secret_every_delivery_is_refused(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRIDBEAR_WEBHOOK_INBOX_SECRET")
    assert (await inbox.deliver(b"{}")).status_code == 401
    assert inbox.kept == []


async def test_a_repeated_delivery_is_200_and_kept_once(inbox: Inbox) -> None:
    answers = [(await inbox.deliver(b"{}", x_github_delivery="same")).status_code for _ in range(3)]
    assert answers == [201, 200, 200]
    assert len(inbox.kept) == 1


async def test_a_body_over_the_limit_is_413_by_header_and_by_stream(inbox: Inbox) -> None:
    big = b"x" * 2049

    async def pieces() -> AsyncIterator[bytes]:
        yield big[:1024]
        yield big[1024:]

    assert (await inbox.deliver(big)).status_code == 413
    assert (await inbox.http.post("/", content=pieces())).status_code == 413
    assert inbox.kept == []


@pytest.mark.parametrize(("body", "status"), [(b"{", 400), (b"\xff\xfe", 422)])
async def test_a_signed_body_that_cannot_be_read_is_refused(inbox: Inbox, body: bytes, status: int) -> None:
    assert (await inbox.deliver(body)).status_code == status
    assert inbox.kept == []


async def test_only_admins_see_the_address_and_renew_the_secret(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await inbox.http.get("/")).status_code == 401
    inbox.caller = MEMBER
    assert (await inbox.http.post("/secret")).status_code == 403
    inbox.caller = ADMIN
    assert (await inbox.http.post("/secret")).status_code == 409
    monkeypatch.delenv("GRIDBEAR_WEBHOOK_INBOX_SECRET")
    secret = (await inbox.http.post("/secret")).json()["data"]["secret"]
    assert [(row["name"], row["value"]) for row in inbox.records.rows["secrets"]] == [("webhook-inbox.secret", secret)]
    again = (await inbox.http.post("/secret")).json()["data"]["secret"]
    assert (await inbox.deliver(b"{}", x_hub_signature_256=sign_sha256(secret, b"{}"))).status_code == 401
    secret = again
    assert (await inbox.deliver(b"{}", x_hub_signature_256=sign_sha256(secret, b"{}"))).status_code == 201


async def test_another_verb_is_405_and_another_path_404(inbox: Inbox) -> None:
    assert (await inbox.http.delete("/")).status_code == 405
    assert (await inbox.http.get("/elsewhere")).status_code == 404
