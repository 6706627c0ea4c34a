"""GET /metrics: who reads it, and what is in it."""

from __future__ import annotations

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from server.mcp_gateway.caller import Caller
from server.mcp_gateway.failures import CallFailed
from tests.conftest import Bear
from tests.server.mcp_gateway.activity.test_tool_calls import actor

pytestmark = pytest.mark.anyio


async def numbers(client: httpx2.AsyncClient) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    answer = await client.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_it_is_for_admins_and_for_a_token_of_theirs_that_may_do_nothing_else(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    scraper = await bear.person("ada", scopes=["metrics"])
    for client in (admin, scraper):
        assert (await client.get("/metrics")).status_code == 200
    assert (await scraper.get("/api/v1/notes")).json()["code"] == "scope_missing"
    assert (await member.get("/metrics")).status_code == 403
    assert (await (await bear.person("max", scopes=["metrics"])).get("/metrics")).status_code == 403
    assert (await (await bear.person("ada", scopes=["mcp"])).get("/metrics")).json()["code"] == "scope_missing"
    assert (await nobody.get("/metrics")).status_code == 401


async def test_calls_requests_store_and_process_are_in_it(bear: Bear, admin: httpx2.AsyncClient) -> None:
    ada = actor(bear, "ada", "admin")
    await admin.get("/api/v1/notes")
    await admin.get("/api/v1/nothing")
    await bear.app.gateway.gateway.call(Caller(actor=ada), "records__search_notes", {})
    with pytest.raises(CallFailed):
        await bear.app.gateway.gateway.call(Caller(actor=ada), "secretive__name", {})
    await bear.app.gateway.activity.log.flush()
    found = await numbers(admin)
    assert found["gridbear_tool_calls_total", (("outcome", "ok"), ("server", "records"))] == 1
    assert found["gridbear_tool_calls_total", (("outcome", "refused"), ("server", ""))] == 1
    assert found["gridbear_tool_call_seconds_count", (("server", "records"),)] == 1
    assert found["gridbear_tool_call_seconds_bucket", (("le", "+Inf"), ("server", "records"))] == 1
    assert found["gridbear_http_requests_total", (("method", "GET"), ("status", "404"), ("surface", "rest"))] == 1
    assert found["gridbear_write_queue", ()] == 0 and found["gridbear_wal_bytes", ()] > 0
    assert found["process_resident_memory_bytes", ()] > 1e6 and found["gridbear_log_bytes", (("model", "tool_calls"),)]
    text = (await admin.get("/metrics")).text
    # What anybody can invent, or what tells of a person, is no label.
    assert "secretive" not in text and "ada" not in text.replace("database", "")


async def test_methods_that_are_invented_make_no_counters_of_their_own(bear: Bear, admin: httpx2.AsyncClient) -> None:
    for number in range(5):
        await admin.request(f"X{number}", "/api/v1/notes")
    methods = {dict(labels).get("method") for _, labels in await numbers(admin)}
    assert "other" in methods and not any(method and method.startswith("X") for method in methods)
