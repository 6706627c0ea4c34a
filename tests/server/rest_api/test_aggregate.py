"""Counts and sums by group: at the limits of their types."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx2
import pytest

pytestmark = pytest.mark.anyio
URL = "/api/v1/notes"


async def note(client: httpx2.AsyncClient, **values: Any) -> None:
    answer = await client.post(URL, json={"title": "x", **values})
    assert answer.status_code == 201, answer.text


async def test_a_sum_beyond_64_bits_is_refused_with_its_reason(member: httpx2.AsyncClient) -> None:
    for _ in range(2):
        await note(member, priority=2**63 - 1)
    answer = await member.get(f"{URL}/aggregate?sum=priority")
    assert (answer.status_code, answer.json()["code"]) == (422, "out_of_range")
    found = (await member.get(f"{URL}/aggregate?min=priority&max=priority&avg=priority")).json()["data"][0]
    assert found["min"] == found["max"] == {"priority": 2**63 - 1}
    assert found["avg"] == {"priority": float(2**63)}


async def test_least_and_greatest_of_a_truth_are_truths(member: httpx2.AsyncClient) -> None:
    await note(member, done=True)
    await note(member, done=False)
    found = (await member.get(f"{URL}/aggregate?min=done&max=done&group_by=done")).json()["data"]
    assert [(it["group"]["done"], it["min"]["done"], it["max"]["done"]) for it in found] == [
        (False, False, False), (True, True, True)
    ]  # fmt: skip


@pytest.mark.parametrize("key", [2**63, 2**64 - 1, [1], {"a": 1}, 1e400])
async def test_a_forged_cursor_is_refused(member: httpx2.AsyncClient, key: Any) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(["priority,id", key, 1]).encode()).decode()
    answer = await member.get(URL, params={"sort": "priority", "cursor": cursor})
    assert answer.status_code == 422, answer.text
    assert answer.json()["fields"]["cursor"]["code"] == "bad_cursor"


@pytest.mark.parametrize("query", ["count=x", "count=true", "group_by=done&total=false", "sort=title", "offset=5",
                                   "fields=id", "expand=owner_id", "cursor=x", "groupby=done"])  # fmt: skip
async def test_no_parameter_is_ignored(member: httpx2.AsyncClient, query: str) -> None:
    answer = await member.get(f"{URL}/aggregate?{query}")
    assert answer.status_code == 422, answer.text
    assert len(answer.json()["fields"]) == 1


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=x", "limit=", "sum=", "sum=title", "avg=done", "min=", "max=body,",
     "group_by=done,done", "group_by=nope", "group_by=done:month", "group_by=created_at:week",
     "sum=priority,priority,nope"],
)  # fmt: skip
async def test_what_can_not_be_worked_out_is_named(member: httpx2.AsyncClient, query: str) -> None:
    answer = await member.get(f"{URL}/aggregate?{query}")
    assert (answer.status_code, list(answer.json()["fields"])) == (422, [query.partition("=")[0]]), answer.text


async def test_a_grouping_in_two_parameters_is_that_in_one(member: httpx2.AsyncClient) -> None:
    await note(member, done=True, priority=3)
    both = (await member.get(f"{URL}/aggregate?group_by=done&group_by=priority")).json()["data"]
    assert both == (await member.get(f"{URL}/aggregate?group_by=done,priority")).json()["data"]
    assert set(both[0]["group"]) == {"done", "priority"}
    again = await member.get(f"{URL}/aggregate?group_by=done&group_by=done")
    assert (again.status_code, list(again.json()["fields"])) == (422, ["group_by"])


async def test_every_field_of_a_wide_model_is_added_at_once(
    admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    names = [f"n{number}" for number in range(200)]
    fields = [{"name": name, "type": "number"} for name in names]
    assert (await admin.post("/api/v1/models", json={"name": "wide", "label": "Wide", "fields": fields})).is_success
    await member.post("/api/v1/wide", json={"n0": 0.1, "n63": 1e300, "n199": -2})
    answer = await member.get(f"/api/v1/wide/aggregate?sum={','.join(names)}&max=n199,n0")
    assert answer.status_code == 200, answer.text
    [found] = answer.json()["data"]
    expected = {**dict.fromkeys(names), "n0": 0.1, "n63": 1e300, "n199": -2.0}
    assert found == {"count": 1, "sum": expected, "max": {"n199": -2.0, "n0": 0.1}}
