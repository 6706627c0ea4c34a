"""The official MCP client finds its way by itself: from a 401 to the list of tools."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx2
import pytest
import uvicorn
from mcp.client import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)
from pydantic import AnyUrl

from server.access.actor import OWNER
from server.app import create_app
from server.config import Settings
from server.data_folder import DataFolder
from tests.conftest import FOR_TESTS, PASSWORD
from tests.server.auth.oauth.tests_oauth_support import REDIRECT, decided, query_of

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


class Kept:
    """What the client stores."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


def provider(url: str, person: httpx2.AsyncClient, kept: Kept, asked: list[str]) -> OAuthClientProvider:
    """The client's own OAuth; `person` decides in their browser, over HTTP."""

    async def open_browser(address: str) -> None:
        page = await person.get(address)
        assert page.status_code == 302, page.text
        assert (await person.get(urljoin(url, page.headers["location"]))).status_code == 200
        asked.append(page.headers["location"])

    async def wait_for_redirect() -> AuthorizationCodeResult:
        told = query_of(await decided(person, dict(parse_qsl(urlsplit(asked[-1]).query)), site=url))
        return AuthorizationCodeResult(code=told["code"], state=told["state"], iss=told["iss"])

    metadata = OAuthClientMetadata(client_name="Official client", redirect_uris=[AnyUrl(REDIRECT)])
    return OAuthClientProvider(f"{url}/mcp", metadata, kept, open_browser, wait_for_redirect)


@contextlib.asynccontextmanager
async def served(folder: Path, base_path: str = "") -> AsyncIterator[str]:
    """A server on a real socket: the client holds its lock while a stream is open, which needs real streaming."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        DataFolder(folder).open()
        app = create_app(Settings(data_dir=folder, port=port, base_path=base_path, **FOR_TESTS))
        async with app.running():
            server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, timeout_graceful_shutdown=1))
            serving = asyncio.create_task(server.serve([listening]))
            for name, role in (("ada", "admin"), ("max", "member")):
                await app.people.create_user(OWNER, name, PASSWORD, role=role)
            try:
                yield f"http://127.0.0.1:{port}{base_path}"
            finally:
                app.stop_streams()
                server.should_exit = True
                await serving


@pytest.mark.parametrize(("mode", "base_path"), [("legacy", ""), ("2026-07-28", ""), ("2026-07-28", "/bear")])
async def test_the_official_client_comes_from_401_to_tools(tmp_path: Path, mode: str, base_path: str) -> None:
    async with asyncio.timeout(40), served(tmp_path, base_path) as url, httpx2.AsyncClient() as person:
        login = {"username": "max", "password": PASSWORD}
        assert (await person.post(f"{url}/auth/login", data=login)).status_code == 303
        await the_flow(url, person, mode)


async def the_flow(url: str, person: httpx2.AsyncClient, mode: str) -> None:
    kept, asked = Kept(), list[str]()

    async def tools() -> set[str]:
        async with httpx2.AsyncClient(auth=provider(url, person, kept, asked), timeout=30) as http:
            streams = streamable_http_client(f"{url}/mcp", http_client=http, terminate_on_close=False)
            async with Client(streams, mode=mode, cache=None) as client:
                return {tool.name for tool in (await client.list_tools()).tools}

    assert "gridbear_help" in await tools()
    assert kept.client is not None and kept.client.client_secret is None and len(asked) == 1
    assert kept.tokens is not None and kept.tokens.scope == "mcp"
    first = kept.tokens.access_token
    assert "gridbear_help" in await tools()
    assert len(asked) == 1, "the token that it kept is enough"
    row = (await person.get(f"{url}/api/v1/oauth_tokens")).json()["data"][0]
    assert row["client_name"] == "Official client" and row["resource"] == f"{url}/mcp"
    await person.delete(f"{url}/api/v1/oauth_tokens/{row['id']}")
    assert "gridbear_help" in await tools()
    assert len(asked) == 2, "after the permission was withdrawn the person is asked again"
    assert kept.tokens.access_token != first
