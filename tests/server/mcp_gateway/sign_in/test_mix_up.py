"""Two issuers at once: what one gives for us never reaches the other, whoever sent the person where (RFC 9207)."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx2
import pytest
from tests_mcp_support import House

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]


class Issuer:
    """An MCP server and who issues its tokens, in one. It gives a token for each code that it made itself."""

    def __init__(self, *, named: str | None = None, tells: bool = False, has_metadata: bool = True) -> None:
        """`named`: the issuer in its metadata, if not itself; `tells`: they say that its answers name it."""
        self.origin = ""
        self._named, self._tells, self._has_metadata = named, tells, has_metadata
        self.codes: list[str] = []
        """Those that were to be exchanged here."""

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[Issuer]:
        listener = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.origin = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            listener.close()
            await listener.wait_closed()

    def sent_back(self, address: str, **changed: str) -> str:
        """Where it sends a person who said yes at `address`, which may be that of another issuer."""
        asked = dict(parse_qsl(urlsplit(address).query))
        answer = {"code": f"code of {self.origin}", "state": asked["state"], "iss": self.origin, **changed}
        back = urlsplit(asked["redirect_uri"])
        return f"{back.path}?{urlencode({key: value for key, value in answer.items() if value})}"

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next((int(row[15:]) for row in head.lower().split("\r\n") if row.startswith("content-length:")), 0)
        body = (await reader.readexactly(length)).decode()
        status, told = self._told(head.split(" ")[1], head, body)
        text = json.dumps(told).encode()
        head = f"HTTP/1.1 {status} So\r\nConnection: close\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(text)}\r\n\r\n".encode() + text)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    def _told(self, path: str, head: str, body: str) -> tuple[int, dict[str, Any]]:
        if path == "/mcp":
            return (200, {}) if "authorization: bearer" in head.lower() else (401, {})
        if path.startswith("/.well-known/oauth-protected-resource") and self._has_metadata:
            return 200, {"resource": f"{self.origin}/mcp", "authorization_servers": [self.origin]}
        if path.startswith("/.well-known/oauth-authorization-server") and self._has_metadata:
            told: dict[str, Any] = {
                "issuer": self._named or self.origin,
                "response_types_supported": ["code"],
                "code_challenge_methods_supported": ["S256"],
                **{f"{name}_endpoint": f"{self.origin}/{name}" for name in ("token", "authorization")},
                "registration_endpoint": f"{self.origin}/register",
            }
            return 200, told | ({"authorization_response_iss_parameter_supported": True} if self._tells else {})
        if path == "/register":
            return 201, {"client_id": "us", "redirect_uris": json.loads(body)["redirect_uris"]}
        if path == "/token":
            [code] = parse_qs(body)["code"]
            self.codes.append(code)
            if code == f"code of {self.origin}":
                return 200, {"access_token": "a", "token_type": "Bearer"}
            return 400, {"error": "invalid_grant"}
        return 404, {}


async def begun(house: House, issuer: Issuer) -> httpx2.Response:
    server = await house.add("far", transport="http", url=f"{issuer.origin}/mcp")
    async with house.http("ann") as http:
        return await http.post(f"/api/v1/gateway/{server}/sign-in")


async def finished(house: House, back: str) -> tuple[int, list[Any]]:
    """How the callback answers a browser that was sent there, and the sign-ins that there are then."""
    async with house.http() as browser, house.http("ann") as http:
        status = (await browser.get(back)).status_code
        return status, (await http.get("/api/v1/mcp_sign_ins")).json()["data"]


@pytest.mark.parametrize("tells", [True, False])
async def test_an_answer_that_names_its_own_issuer_signs_in(make_house: MakeHouse, tells: bool) -> None:
    async with make_house() as house, Issuer(tells=tells).serving() as issuer:
        address = (await begun(house, issuer)).json()["data"]["address"]
        # Who does not say that its answers name it may leave that out.
        status, kept = await finished(house, issuer.sent_back(address, **({} if tells else {"iss": ""})))
        assert status == 200 and [row["issuer"] for row in kept] == [issuer.origin]
        assert issuer.codes == [f"code of {issuer.origin}"]


@pytest.mark.parametrize(
    ("named", "has_metadata"),
    [
        *((named, has) for named in ("the honest one", "with a slash", "in capitals") for has in (True, False)),
        # Without metadata nothing says that an issuer should name itself.
        ("nobody", True),
    ],
)
async def test_a_code_of_an_honest_issuer_never_reaches_one_that_sent_the_person_there(
    make_house: MakeHouse, named: str, has_metadata: bool
) -> None:
    evil = Issuer(tells=True, has_metadata=has_metadata)
    async with make_house() as house, evil.serving(), Issuer(tells=True).serving() as honest:
        address = (await begun(house, evil)).json()["data"]["address"]
        assert address.startswith(f"{evil.origin}/")
        names = {
            "the honest one": honest.origin,
            "with a slash": f"{evil.origin}/",
            "in capitals": evil.origin.upper(),
            "nobody": "",
        }
        status, kept = await finished(house, honest.sent_back(address, iss=names[named]))
        assert (status, kept) == (400, []) and evil.codes == honest.codes == []
        # It was good once.
        assert (await finished(house, evil.sent_back(address)))[0] == 400 and evil.codes == []


async def test_who_names_another_issuer_as_itself_sends_nobody_anywhere(make_house: MakeHouse) -> None:
    async with make_house() as house, Issuer().serving() as honest:
        async with Issuer(named=honest.origin).serving() as evil:
            answer = await begun(house, evil)
        assert answer.status_code == 502 and "does not follow the rules" in answer.json()["error"], answer.text
        assert evil.codes == honest.codes == []
