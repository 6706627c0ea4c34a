"""What no rule opens: secrets, the audit log, old values, and whatever signs people in."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from server.models.base import VERBS
from tests.conftest import Bear

pytestmark = pytest.mark.anyio
FOR_ADMINS = (
    "secrets", "audit_entries", "account_links", "oauth_clients", "history", "recovery_codes", "idempotency_keys",
)  # fmt: skip
FOR_THEIR_PERSON = ("sessions", "api_tokens", "oauth_tokens", "second_factors", "mcp_sign_ins", "mcp_approvals")
subjects = pytest.mark.parametrize("subject", ["role", "group"])


async def subject_of(bear: Bear, admin: httpx2.AsyncClient, subject: str) -> dict[str, Any]:
    """Whom a rule is for: the role of max, or a group that he is in."""
    if subject == "role":
        return {"role": "member", "group_id": None}
    group = (await admin.post("/api/v1/groups", json={"name": "curious"})).json()["data"]["id"]
    membership = {"group_id": group, "user_id": bear.ids["max"]}
    assert (await admin.post("/api/v1/group_members", json=membership)).status_code == 201
    return {"role": None, "group_id": group}


async def fill(admin: httpx2.AsyncClient) -> None:
    assert (await admin.post("/api/v1/secrets", json={"name": "canary", "value": "x"})).status_code == 201
    note = (await admin.post("/api/v1/notes", json={"title": "canary"})).json()["data"]["id"]
    assert (await admin.delete(f"/api/v1/notes/{note}")).status_code == 200


@subjects
@pytest.mark.parametrize("model", FOR_ADMINS + FOR_THEIR_PERSON)
async def test_a_rule_that_would_open_them_is_refused(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, model: str, subject: str
) -> None:
    whom = await subject_of(bear, admin, subject)
    for verb in ("any", "list", "read", "update", "delete"):
        answer = await admin.post("/api/v1/access_rules", json={**whom, "model": model, "verb": verb, "extent": "all"})
        assert answer.status_code == 422 and answer.json()["fields"]["extent"]["code"] == "not_possible", answer.text
    closed = await admin.post("/api/v1/access_rules", json={**whom, "model": model, "verb": "any", "extent": "none"})
    assert closed.status_code == 201, closed.text
    rule = f"/api/v1/access_rules/{closed.json()['data']['id']}"
    assert (await admin.patch(rule, json={"extent": "all"})).status_code == 422


@subjects
async def test_a_rule_that_an_older_release_took_opens_nothing(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, subject: str
) -> None:
    await fill(admin)
    before = {model: (await member.get(f"/api/v1/{model}")) for model in FOR_ADMINS + FOR_THEIR_PERSON}
    whom = await subject_of(bear, admin, subject)
    policy, records = bear.app.records.policy, await admin.get("/api/v1/group_members")
    rules = [
        {**whom, "id": number, "model": model, "verb": verb, "extent": "all", "hidden_fields": []}
        for number, (model, verb) in enumerate((m, v) for m in (*FOR_ADMINS, *FOR_THEIR_PERSON) for v in VERBS)
    ]
    policy.load(rules, [{"id": 1, "name": "curious"}], records.json()["data"])
    for model, earlier in before.items():
        answer = await member.get(f"/api/v1/{model}")
        assert answer.status_code == earlier.status_code == (403 if model in FOR_ADMINS else 200), (model, answer.text)
        assert "canary" not in answer.text
        owners = {row["owner_id"] for row in answer.json().get("data") or []}
        assert owners <= {bear.ids["max"]}, (model, owners)
        if model in FOR_ADMINS:
            for address in (f"{model}/1", f"{model}/aggregate", f"{model}/export"):
                assert (await member.get(f"/api/v1/{address}")).status_code in (403, 404), address
