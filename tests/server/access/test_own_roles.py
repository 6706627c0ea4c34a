"""A role of one's own is a group with rules: the example of docs/operators.md, walked through."""

from __future__ import annotations

import httpx2
import pytest

from tests.conftest import Bear

pytestmark = pytest.mark.anyio


async def test_a_bookkeeper_does_invoices_and_nothing_else(
    bear: Bear, admin: httpx2.AsyncClient, guest_role: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    fields = [{"name": "title", "type": "text"}, {"name": "margin", "type": "number"}]
    closed = {"name": "invoices", "label": "Invoice", "members": "none", "guests": "none", "fields": fields}
    assert (await admin.post("/api/v1/models", json=closed)).status_code == 201
    assert (await admin.post("/api/v1/invoices", json={"title": "honey", "margin": 3})).status_code == 201
    assert (await guest_role.get("/api/v1/invoices")).status_code == 404

    group = (await admin.post("/api/v1/groups", json={"name": "bookkeepers"})).json()["data"]["id"]
    rule = {"group_id": group, "model": "invoices", "verb": "any", "extent": "all", "hidden_fields": ["margin"]}
    assert (await admin.post("/api/v1/access_rules", json=rule)).status_code == 201
    never = {"group_id": group, "model": "invoices", "verb": "delete", "extent": "none"}
    assert (await admin.post("/api/v1/access_rules", json=never)).status_code == 201
    membership = {"group_id": group, "user_id": bear.ids["gus"]}
    assert (await admin.post("/api/v1/group_members", json=membership)).status_code == 201

    [seen] = (await guest_role.get("/api/v1/invoices")).json()["data"]
    assert seen["title"] == "honey" and "margin" not in seen
    assert (await guest_role.patch(f"/api/v1/invoices/{seen['id']}", json={"title": "wax"})).status_code == 200
    assert (await guest_role.delete(f"/api/v1/invoices/{seen['id']}")).status_code == 403
    assert (await guest_role.get("/api/v1/notes")).status_code == 403
    assert (await other.get("/api/v1/invoices")).status_code == 404
    why = (await guest_role.get("/api/v1/access/explain?model=invoices&verb=list")).text
    assert "bookkeepers" in why

    [row] = (await admin.get(f"/api/v1/group_members?user_id={bear.ids['gus']}")).json()["data"]
    assert (await admin.delete(f"/api/v1/group_members/{row['id']}")).status_code == 200
    assert (await guest_role.get("/api/v1/invoices")).status_code == 404
