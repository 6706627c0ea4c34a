"""Servers of these tests that begin with what one before them made are like those that make all themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fastapi.routing
import pytest

from tests.conftest import running_bear

KNOWN = "_populate_api_route_state"


async def described(folder: Path) -> tuple[Any, list[int]]:
    """The document of a new server's interface, and how its routes answer two people and a stranger."""
    async with running_bear(folder) as bear:
        admin, member, nobody = await bear.person("ada", "admin"), await bear.person("max"), await bear.client()
        paths = ["/api/v1/server", "/api/v1/models?limit=x", "/api/v1/gateway/0/messages", "/api/internal/health"]
        codes = [(await who.get(path)).status_code for who in (admin, member, nobody) for path in paths]
        return (await admin.get("/api/openapi.json")).json(), codes


@pytest.mark.anyio
async def test_a_server_with_known_routes_is_like_one_that_finds_them_out(tmp_path: Path, anyio_backend: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fastapi.routing, KNOWN, getattr(fastapi.routing, KNOWN).__self__.find_out)
        fresh = await described(tmp_path / "fresh")
    await described(tmp_path / "first")
    assert await described(tmp_path / "second") == fresh


@pytest.mark.anyio
async def test_two_servers_with_the_same_routes_answer_from_their_own_data(tmp_path: Path, anyio_backend: str) -> None:
    async with running_bear(tmp_path / "one") as one, running_bear(tmp_path / "two") as two:
        ada, bob = await one.person("ada", "admin"), await two.person("bob", "admin")
        for client, name in ((ada, "ada"), (bob, "bob"), (ada, "ada")):
            told = (await client.get("/auth/me")).json()["data"]
            assert told["username"] == name, told
