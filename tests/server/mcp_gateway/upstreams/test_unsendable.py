"""Headers, variables and folders that can't be used: refused or said, and never with a secret in the words."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError
from tests_mcp_support import House, call_text, serving

from server.access.actor import SYSTEM

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]


async def test_a_header_that_can_not_be_sent_is_told_without_its_value(
    make_house: MakeHouse, caplog: pytest.LogCaptureFixture
) -> None:
    async with make_house() as house:
        secret = {"name": "key", "value": "canary\nof the secret"}
        await house.app.records.create(SYSTEM, "secrets", secret)
        headers = {"Authorization": "Bearer ${secret:key}"}
        await house.add("torn", transport="http", url="http://127.0.0.1:9/mcp", headers=headers, visibility="everyone")
        async with house.mcp("bob") as client:
            with pytest.raises(MCPError, match="Authorization") as told:
                await client.call_tool("torn__anything", {})
        for text in (told.value.message, (await house.state("torn"))["error"], caplog.text):
            assert "canary" not in text
        assert "Authorization" in (await house.state("torn"))["error"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"headers": {"Authorization": "Bearer canary\r\nX: y"}}, "headers"),
        ({"headers": {"Authorization": "canary \u2603"}}, "headers"),
        ({"headers": {"canary: x": "y"}}, "headers"),
        ({"env": {"A=canary": "c"}}, "env"),
        ({"env": {"": "canary"}}, "env"),
    ],
)
async def test_what_can_not_be_sent_is_refused_when_it_is_given(
    make_house: MakeHouse, values: dict[str, Any], field: str
) -> None:
    place = {"transport": "http", "url": "http://127.0.0.1:9/mcp"}
    async with make_house() as house, house.http("ann") as http:
        server = {"name": "torn", **(place if field == "headers" else {"transport": "stdio", "command": "x"}), **values}
        answer = await http.post("/api/v1/mcp_servers", json=server)
        assert (answer.status_code, list(answer.json()["fields"])) == (422, [field])
        assert "canary" not in answer.text


async def test_space_that_was_copied_along_with_a_header_is_left_out(make_house: MakeHouse) -> None:
    async with make_house() as house, serving("http") as port:
        url, headers = f"http://127.0.0.1:{port}/mcp", {"Authorization": " Bearer x\n"}
        await house.add("up", transport="http", url=url, headers=headers)
        async with house.mcp("ann") as client:
            assert await call_text(client, "up__echo", {"text": "hi"}) == "hi"


async def test_a_folder_to_run_in_that_is_not_there_is_said(make_house: MakeHouse, tmp_path: Path) -> None:
    async with make_house() as house:
        await house.add("lost", command=sys.executable, cwd=str(tmp_path / "gone"))
        async with house.mcp("ann") as client:
            with pytest.raises(MCPError, match="could not be started"):
                await client.call_tool("lost__anything", {})
        assert "cwd" in (await house.state("lost"))["error"]
