"""Renewing the tokens of a sign-in: once for all calls, whatever becomes of the one that began it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest

from server.access.actor import SYSTEM
from server.mcp_gateway.messages.tap import UNWATCHED
from server.mcp_gateway.sign_in.sign_ins import SignIns, _columns
from server.mcp_gateway.sign_in.tokens import TokenAuth, Tokens, ends
from server.mcp_gateway.upstreams.config import LaunchSpec, ServerConfig
from server.mcp_gateway.upstreams.direct_calls import DirectCalls
from server.mcp_gateway.upstreams.http_faults import HttpFaults
from server.mcp_gateway.upstreams.http_transport import _http_client
from tests.conftest import Bear

pytestmark = pytest.mark.anyio


class Issuer:
    """A server and who issues its tokens, in one: each refresh token is good once."""

    def __init__(self) -> None:
        self.origin = ""
        self.good, self.refresh = "access-1", "refresh-1"
        self.asked, self.go_on = asyncio.Event(), asyncio.Event()
        self.denies = False
        self.renewals: list[str] = []
        self.saved: list[Tokens] = []

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[Issuer]:
        listener = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.origin = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            listener.close()
            await listener.wait_closed()

    def auth(self, **held: Any) -> TokenAuth:
        tokens = Tokens("access-0", "refresh-1", None, f"{self.origin}/token", None, None, "us", None, None)
        return TokenAuth(f"{self.origin}/mcp", tokens, self._save, **held)

    async def _save(self, tokens: Tokens) -> None:
        self.saved.append(tokens)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next((int(row[15:]) for row in head.split("\r\n") if row.startswith("content-length:")), 0)
        body = (await reader.readexactly(length)).decode()
        status, told = self._mcp(head) if " /mcp " in head else await self._token(parse_qs(body)["refresh_token"][0])
        text = json.dumps(told).encode()
        writer.write(b"HTTP/1.1 %d So\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (status, len(text)) + text)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    def _mcp(self, head: str) -> tuple[int, dict[str, Any]]:
        return (200, {}) if f"authorization: bearer {self.good}\r\n" in head else (401, {})

    async def _token(self, refresh: str) -> tuple[int, dict[str, Any]]:
        self.renewals.append(refresh)
        used, self.refresh = self.refresh, f"refresh-{len(self.renewals) + 1}"
        self.asked.set()
        await self.go_on.wait()
        if self.denies or refresh != used:
            return 400, {}
        return 200, {"access_token": self.good, "refresh_token": self.refresh}


async def test_a_call_that_is_given_up_during_the_renewal_that_it_began_loses_nothing() -> None:
    held = list[asyncio.Task[bool]]()
    async with (
        Issuer().serving() as issuer,
        httpx2.AsyncClient(auth=issuer.auth(hold=held.append), trust_env=False) as http,
    ):
        first = asyncio.create_task(http.get(f"{issuer.origin}/mcp"))
        await issuer.asked.wait()
        others = [asyncio.create_task(http.get(f"{issuer.origin}/mcp")) for _ in range(3)]
        first.cancel()
        await asyncio.wait({first})
        issuer.go_on.set()
        assert [answer.status_code for answer in await asyncio.gather(*others)] == [200] * 3
        assert issuer.renewals == ["refresh-1"], "a second one would have ended the sign-in"
        assert [tokens.refresh_token for tokens in issuer.saved] == ["refresh-2"] and len(held) == 1


@pytest.mark.parametrize("renewed", [True, False])
async def test_nobody_is_to_sign_in_while_a_token_is_being_renewed(renewed: bool) -> None:
    faults = HttpFaults()
    async with Issuer().serving() as issuer:
        values = {"name": "far", "transport": "http", "url": f"{issuer.origin}/mcp"}
        spec = LaunchSpec(**{**_spec(values), "auth": issuer.auth()})
        async with _http_client(spec, faults, DirectCalls(UNWATCHED)) as http:
            call = asyncio.create_task(http.post(spec.url, json={}))
            await issuer.asked.wait()
            # Another call that fails at this moment must not be taken for one that was refused.
            assert not faults.unauthorized
            issuer.denies = not renewed
            issuer.go_on.set()
            assert (await call).status_code == (200 if renewed else 401)
        assert faults.unauthorized is not renewed


async def test_a_connection_that_is_made_during_a_renewal_takes_what_that_brings(
    bear: Bear, monkeypatch: pytest.MonkeyPatch
) -> None:
    records, sign_ins = bear.app.records, SignIns(bear.app.records)
    async with Issuer().serving() as issuer:
        row = {"name": "far", "transport": "http", "url": f"{issuer.origin}/mcp"}
        config = ServerConfig.of(await records.create(SYSTEM, "mcp_servers", row))
        values = {"server_id": config.id, "shared": True, "issuer": issuer.origin, "owner_id": None}
        await records.create(SYSTEM, "mcp_sign_ins", {**values, **_columns(issuer.auth()._tokens)})
        before = await sign_ins.auth_for(config, row["url"])
        assert before is not None
        renewal = asyncio.create_task(before._renew(before._tokens))
        await issuer.asked.wait()
        find = sign_ins.find

        async def found(*asked: Any) -> dict[str, Any] | None:
            row = await find(*asked)
            asyncio.get_running_loop().call_soon(issuer.go_on.set)
            return row

        monkeypatch.setattr(sign_ins, "find", found)
        # The server's record was changed, say: another connection takes the place of the one that renews.
        after = await sign_ins.auth_for(config, row["url"])
        assert await renewal
        assert after is not None and after._tokens.refresh_token == "refresh-2"
        async with httpx2.AsyncClient(auth=after, trust_env=False) as http:
            assert (await http.get(row["url"])).status_code == 200
        assert issuer.renewals == ["refresh-1"], "a second one would have ended the sign-in"


def _spec(values: dict[str, Any]) -> dict[str, Any]:
    return {"command": "", "args": (), "env": {}, "cwd": None, "headers": {}, **values}


@pytest.mark.parametrize(
    ("seconds", "year"),
    [(3600, "1970"), ("3600", "1970"), (2**63 - 1, "2069"), (1e300, "2069"), ("9" * 500, "2069"), (-1e18, "1970"),
     (float("nan"), None), (None, None), ("soon", None), ({}, None)],
)  # fmt: skip
def test_whatever_an_issuer_says_of_how_long_a_token_lasts_it_can_be_kept(seconds: object, year: str | None) -> None:
    told = _columns(Tokens("access", None, ends(0.0, seconds), "", None, None, "us", None, None))["expires_at"]
    assert (told and told[:4]) == year
