"""The conformance suite of the protocol against a server served directly, and against the same behind the gateway."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send
from suite import failures
from tests_mcp_support import House
from tests_peers_support import free_port, listening, needs, node, served

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]
HERE = Path(__file__).parent
BASELINE = HERE / "baseline.json"
"""By revision: what fails behind the gateway and not directly. It may only shrink."""
REVISIONS = {"2025-11-25": ["legacy"], "2026-07-28": []}


def with_token(app: ASGIApp, token: str) -> ASGIApp:
    """The suite can't send headers of its own: here each request comes with the person's token."""

    async def signed_in(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [*scope.get("headers", ()), (b"authorization", f"Bearer {token}".encode())]
        await app({**scope, "headers": headers}, receive, send)

    return signed_in


@pytest.mark.parametrize("revision", REVISIONS)
async def test_behind_the_gateway_nothing_fails_that_does_not_fail_directly(
    make_house: MakeHouse, tmp_path: Path, revision: str
) -> None:
    run, peers = node(), needs("npm")
    upstream, port = free_port(), free_port()
    fixture = [sys.executable, str(HERE / "fixture_server.py"), str(upstream), *REVISIONS[revision]]
    async with listening(fixture, upstream), make_house(port=port, mcp_rate_burst=10_000) as house:
        url = f"http://127.0.0.1:{upstream}/mcp"
        await house.add("fixture", transport="http", url=url, visibility="everyone")
        directly = await failures(run, peers, url, revision, tmp_path / "directly")
        async with served(with_token(house.app, house.tokens["bob"]), port) as gateway:
            behind = await failures(run, peers, f"{gateway}/fixture", revision, tmp_path / "behind")
    baseline = set(json.loads(BASELINE.read_text("utf-8"))[revision])
    ours = behind - directly
    assert ours <= baseline, f"fails behind the gateway alone: {sorted(ours - baseline)}"
    assert baseline <= ours, f"passes now, and leaves the baseline: {sorted(baseline - ours)}"
