"""The list of models: small for who takes gzip, the same for everybody else, and each sees their own."""

from __future__ import annotations

import gzip

import httpx2
import pytest

from tests.conftest import Bear

pytestmark = pytest.mark.anyio
URL = "/api/v1/models"


async def test_it_is_sent_small_to_who_takes_it(admin: httpx2.AsyncClient) -> None:
    plain = await admin.get(URL, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    async with admin.stream("GET", URL, headers={"accept-encoding": "gzip"}) as answer:
        sent = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert (answer.headers["content-encoding"], answer.headers["vary"]) == ("gzip", "accept-encoding")
    assert answer.headers["content-type"] == "application/json" and "ratelimit" in answer.headers
    assert len(sent) < len(plain.content) / 8 and int(answer.headers["content-length"]) == len(sent)
    assert httpx2.Response(200, content=gzip.decompress(sent)).json() == plain.json()


async def test_small_or_not_it_names_what_one_may_use_alone(bear: Bear, member: httpx2.AsyncClient) -> None:
    for encoding in ("gzip", "identity"):
        named = {one["name"] for one in (await member.get(URL, headers={"accept-encoding": encoding})).json()["data"]}
        assert "notes" in named and not named & {"access_rules", "audit_log", "secrets"}
        nobody = await (await bear.client()).get(URL, headers={"accept-encoding": encoding})
        assert nobody.status_code == 401 and "content-encoding" not in nobody.headers
