"""Where a sign-in may lead: an address that a remote server names is somebody else's choice."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest

from server.mcp_gateway.sign_in.guarded_transport import GuardedTransport
from server.outbound import pinned_transport
from server.outbound.pinned_transport import MOST_BYTES, AddressRefused

pytestmark = pytest.mark.anyio
HOSTS = {
    "mcp.example": ["93.184.215.14"],
    "login.example": ["93.184.215.15"],
    "inside.example": ["10.1.2.3"],
    "both.example": ["93.184.215.16", "127.0.0.1"],
    "metadata.example": ["169.254.169.254"],
    "localhost": ["127.0.0.1"],
    "127.0.0.1": ["127.0.0.1"],
    "169.254.169.254": ["169.254.169.254"],
}


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    async def places_of(host: str, port: int) -> list[str]:
        if host not in HOSTS:
            raise OSError("no such host")
        return HOSTS[host]

    monkeypatch.setattr(pinned_transport, "places_of", places_of)


async def called(home: str, address: str, body: bytes = b"hello") -> httpx2.Request:
    seen: list[httpx2.Request] = []

    async def streamed() -> AsyncIterator[bytes]:
        yield body

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, content=streamed())

    async with httpx2.AsyncClient(transport=GuardedTransport(home, httpx2.MockTransport(answer))) as http:
        await http.get(address)
    return seen[0]


@pytest.mark.parametrize(
    ("home", "address"),
    [("https://mcp.example/mcp", "https://mcp.example/.well-known/x"), ("https://mcp.example", "https://login.example/a"),
     ("http://localhost:9/mcp", "http://127.0.0.1:8/authorize"), ("http://localhost:9/mcp", "https://login.example/"),
     ("http://inside.example/mcp", "http://inside.example:81/")],
)  # fmt: skip
async def test_the_very_place_that_was_looked_at_is_called_under_its_name(home: str, address: str) -> None:
    request = await called(home, address)
    host = httpx2.URL(address).host
    assert request.url.host == HOSTS[host][0]
    assert request.headers["host"].partition(":")[0] == host and request.extensions["sni_hostname"] == host


@pytest.mark.parametrize(
    ("home", "address"),
    [("https://mcp.example", "https://inside.example/"), ("https://mcp.example", "http://127.0.0.1:8088/api"),
     ("https://mcp.example", "https://both.example/"), ("https://mcp.example", "http://login.example/"),
     ("https://mcp.example", "http://169.254.169.254/latest"), ("http://localhost:9/mcp", "http://metadata.example/"),
     ("http://localhost:9/mcp", "http://169.254.169.254/"), ("https://mcp.example", "http://mcp.example:6379/"),
     ("https://mcp.example", "https://unknown.example/")],
)  # fmt: skip
async def test_no_server_leads_us_into_a_network_that_is_not_its_own(home: str, address: str) -> None:
    with pytest.raises(AddressRefused):
        await called(home, address)


async def test_a_large_answer_is_not_read_to_its_end() -> None:
    with pytest.raises(httpx2.ReadError, match="larger than"):
        await called("https://mcp.example", "https://mcp.example/", b"x" * (MOST_BYTES + 1))
