"""Every door of a running server, from its own route lists, and everybody who may stand before one."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from server.access.actor import OWNER
from tests.conftest import CONTROL_TOKEN, PASSWORD, Bear
from tests.server.auth.oauth.tests_oauth_support import App

INTERNAL_SECRET = "the internal secret of the tests"
HERE, ELSEWHERE = "127.0.0.1", "192.0.2.7"
ROLES = (
    "nobody", "guest", "member", "admin token", "admin session", "read token", "tools token", "notes token",
    "must enrol", "app", "internal", "machine", "machine elsewhere",
)  # fmt: skip
ABSENT = "999999"
"""An id that no record has."""
_PART = re.compile(r"\{(\w+)(?::\w+)?\}")
_FILLED = {
    "model": "notes", "record_id": ABSENT, "file_id": ABSENT, "user_id": ABSENT, "server_id": ABSENT,
    "approval_id": ABSENT,
    "plugin": "webhook-inbox", "path": "x",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, and code and fields of an error; and how many bytes were read before."""

    status: int
    code: str
    read: int = 0
    fields: tuple[str, ...] = ()


def doors(bear: Bear) -> Iterator[tuple[str, str]]:
    """Verb and address of all that answers: routes of FastAPI, of plugins, records, the gateway, the page's files."""
    dispatch: Any = bear.app._asgi._plain_app  # type: ignore[union-attr]
    yield from _routes(dispatch._web.routes, "")
    records = dispatch._records
    yield from ((verb, "/api/v1/{a model}") for verb in records._collection)
    yield from ((verb, "/api/v1/{a model}/{record_id}") for verb in records._member)
    for name, mount in dispatch._plugins._mounts.items():
        yield from _routes(mount._routes.routes, f"/api/{name}")
    yield from ((verb, address) for verb in ("GET", "POST", "DELETE") for address in ("/mcp", "/mcp/{server}"))
    yield "GET", "/ui/{path}"


def _routes(routes: list[BaseRoute], prefix: str) -> Iterator[tuple[str, str]]:
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from _routes(included.routes, prefix + route.include_context.prefix)  # type: ignore[attr-defined]
            continue
        assert isinstance(route, APIRoute), f"{route} is of a kind that this list does not know"
        for verb in route.methods or ():
            yield verb, prefix + route.path


class Crowd:
    """Everybody of `ROLES` on one server, each with a credential that is fresh for every knock."""

    def __init__(self, bear: Bear) -> None:
        self._bear = bear
        self._headers: dict[str, dict[str, str]] = {}
        self._people: dict[str, dict[str, Any]] = {}

    async def gather(self) -> None:
        """Make the people and their tokens."""
        people = self._bear.app.people
        for name, role in (("gus", "guest"), ("max", "member"), ("ada", "admin"), ("eva", "member")):
            self._people[name] = await people.create_user(OWNER, name, PASSWORD, role=role)
        tokens = {
            "guest": ("gus", None), "member": ("max", None), "admin token": ("ada", None),
            "read token": ("ada", ["api:read"]), "tools token": ("ada", ["mcp"]),
            "notes token": ("ada", ["api:notes"]),
        }  # fmt: skip
        for who, (name, scopes) in tokens.items():
            made = await people.create_token(name, scopes=scopes)
            self._headers[who] = {"authorization": f"Bearer {made['token']}"}
        app = App(await self._bear.client())
        await app.register()
        allowed = await app.tokens(await self._bear.signed_in("ada"))
        self._headers["app"] = {"authorization": f"Bearer {allowed['access_token']}"}
        self._headers["internal"] = {"authorization": f"Bearer {INTERNAL_SECRET}"}
        self._headers["machine"] = self._headers["machine elsewhere"] = {"authorization": f"Bearer {CONTROL_TOKEN}"}
        self._headers["nobody"] = {}

    async def knock(
        self, who: str, verb: str, address: str, body: bytes = b"{}", query: str = "", *, number: str = ABSENT,
        pieces: int = 1,
    ) -> Answer:  # fmt: skip
        """Send one request as `who`. `address` as in `doors`; the body is JSON, or as often as `pieces` says."""
        headers = {"host": "127.0.0.1:8088", "accept": "application/json", "content-type": "application/json"}
        if who in ("admin session", "must enrol"):
            person = self._people["ada" if who == "admin session" else "eva"]
            token = await self._bear.app.people.sessions.open_session(person, "test", HERE, how="test")
            headers["cookie"] = f"gridbear_session_token={token}"
        else:
            headers |= self._headers[who]
        path = _PART.sub(
            lambda part: _FILLED.get(part[1], "x").replace(ABSENT, number), address.replace("{a model}", "notes")
        )
        client = ELSEWHERE if who == "machine elsewhere" else HERE
        return await _ask(self._bear, verb, (path, query), headers, body, client, pieces)


async def _ask(
    bear: Bear, verb: str, target: tuple[str, str], headers: dict[str, str], body: bytes, client: str, pieces: int
) -> Answer:
    path, query = target
    messages: list[dict[str, Any]] = []
    enough = asyncio.Event()
    sent = 0

    async def receive() -> dict[str, Any]:
        nonlocal sent
        if sent < pieces:
            sent += 1
            return {"type": "http.request", "body": body, "more_body": sent < pieces}
        await enough.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        messages.append(message)
        if message["type"] == "http.response.body":
            # Of a stream, the beginning is enough.
            enough.set()

    scope: dict[str, Any] = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": verb, "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in
                    {**headers, **({"content-length": str(len(body))} if pieces == 1 else {})}.items()],
        "client": (client, 5000), "server": (HERE, 8088),
    }  # fmt: skip
    async with asyncio.timeout(30):
        await bear.app(scope, receive, send)
    told = next((it for it in messages if it["type"] == "http.response.body" and it.get("body")), {"body": b""})
    try:
        found = json.loads(told["body"])
    except ValueError:
        found = {}
    error = found if isinstance(found, dict) else {}
    return Answer(messages[0]["status"], str(error.get("code", "")), sent * len(body), tuple(error.get("fields", ())))
