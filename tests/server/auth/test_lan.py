"""Other computers: who may let them in, what has to be done first, and what an admin is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from server import listening
from server.this_computer import lan_addresses
from tests.conftest import CONTROL_TOKEN, Bear, running_bear

pytestmark = pytest.mark.anyio

LAN = "/api/v1/server/lan"


async def test_only_admins_see_and_switch_it(
    nobody: httpx2.AsyncClient, guest_role: httpx2.AsyncClient, member: httpx2.AsyncClient, bear: Bear
) -> None:
    for client, status in ((nobody, 401), (guest_role, 403), (member, 403)):
        for answer in (await client.get(LAN), await client.post(LAN, json={"on": True})):
            assert answer.status_code == status
            assert "qr" not in answer.text and "firewall" not in answer.text
    assert listening.chosen(bear.app._folder.run) == {}


async def test_it_is_off_at_first(admin: httpx2.AsyncClient) -> None:
    state = (await admin.get(LAN)).json()["data"]
    assert state["on"] is False and state["encryption"] == "off"
    assert state["address"] is state["qr"] is state["name"] is state["fingerprint"] is None
    assert state["addresses"] == state["missing"] == []
    assert (await admin.get("/api/v1/server")).json()["data"]["fingerprint"] is None


async def test_switching_keeps_the_choice_and_starts_again(bear: Bear, admin: httpx2.AsyncClient) -> None:
    starts: list[str] = []
    bear.app.when_restart_is_asked = lambda: starts.append("again")
    run = bear.app._folder.run
    answer = await admin.post(LAN, json={"on": True})
    assert (answer.status_code, answer.json()["data"]) == (202, {"on": True, "here": "https://127.0.0.1:8088"})
    assert listening.chosen(run) == {"host": "0.0.0.0", "tls": "self-made"}
    answer = await admin.post(LAN, json={"on": True, "encryption": "off"})
    assert answer.json()["data"]["here"] == "http://127.0.0.1:8088"
    assert listening.chosen(run) == {"host": "0.0.0.0", "tls": "off"}
    assert starts == ["again", "again"]
    # It runs for this computer alone still: nothing to start again for.
    assert (await admin.post(LAN, json={"on": False})).status_code == 202
    assert listening.chosen(run) == {} and len(starts) == 2


@pytest.mark.parametrize(
    "body", [{}, {"on": "yes"}, {"on": True, "encryption": "rot13"}, {"on": True, "host": "1.2.3.4"}, []]
)
async def test_a_wrong_wish_is_refused(bear: Bear, admin: httpx2.AsyncClient, body: Any) -> None:
    assert (await admin.post(LAN, json=body)).status_code == 422
    assert listening.chosen(bear.app._folder.run) == {}


async def test_everybody_needs_a_password_first(bear: Bear, admin: httpx2.AsyncClient) -> None:
    user = (await admin.post("/api/v1/users", json={"username": "newt", "role": "member"})).json()["data"]
    refused = await admin.post(LAN, json={"on": True})
    assert (refused.status_code, refused.json()["code"]) == (409, "lan_not_ready")
    assert "newt" in refused.json()["error"]
    assert [one["code"] for one in (await admin.get(LAN)).json()["data"]["missing"]] == ["password"]
    await admin.patch(f"/api/v1/users/{user['id']}", json={"is_active": False})
    assert (await admin.post(LAN, json={"on": True})).status_code == 202


async def test_nobody_is_let_in_without_an_admin(bear: Bear) -> None:
    owner = await bear.client(authorization=f"Bearer {CONTROL_TOKEN}")
    answer = await owner.post("/_desktop/operations/lan-on", json={})
    assert answer.status_code == 409 and "gridbear user create" in answer.json()["error"]
    assert (await owner.post("/_desktop/operations/lan-state")).json()["data"]["missing"][0]["code"] == "admin"


async def test_the_command_line_decides_over_the_page(bear: Bear, admin: httpx2.AsyncClient) -> None:
    bear.app.lan._host_given_by = "command line"
    for on in (True, False):
        answer = await admin.post(LAN, json={"on": on})
        assert (answer.status_code, answer.json()["code"]) == (409, "lan_not_ready")
        assert "command line" in answer.json()["error"]


@pytest.mark.parametrize(("given", "asked", "refused"), [("off", "self-made", True), ("off", "off", False)])
async def test_the_environment_decides_over_encryption(
    bear: Bear, admin: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, given: str, asked: str, refused: bool
) -> None:
    monkeypatch.setenv("GRIDBEAR_TLS", given)
    answer = await admin.post(LAN, json={"on": True, "encryption": asked})
    assert answer.status_code == (409 if refused else 202)
    assert (listening.chosen(bear.app._folder.run) == {}) is refused


async def test_shared_it_tells_addresses_code_and_the_first_visitor(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data", host="192.0.2.7") as bear:
        admin = await bear.person("ada", "admin")
        state = (await admin.get(LAN)).json()["data"]
        assert state["on"] and state["address"] == "http://192.0.2.7:8088"
        assert len(state["qr"]) == len(state["qr"][0]) > 20 and set("".join(state["qr"])) == {"0", "1"}
        assert state["first_visitor_at"] is None
        for own in lan_addresses():
            await (await bear.client(own)).get("/healthz")
        assert (await admin.get(LAN)).json()["data"]["first_visitor_at"] is None
        await (await bear.client("203.0.113.4")).get("/healthz")
        assert (await admin.get(LAN)).json()["data"]["first_visitor_at"] is not None


def test_a_broken_choice_is_none(tmp_path: Path) -> None:
    for text in ("", "[]", '"x"', "{", '{"port": 1}'):
        (tmp_path / listening.FILE_NAME).write_text(text)
        assert listening.chosen(tmp_path) == {}


async def test_switching_is_audited_and_a_token_that_only_reads_switches_nothing(
    bear: Bear, admin: httpx2.AsyncClient
) -> None:
    reader = await bear.person("ada", scopes=["api:read"])
    assert (await reader.get(LAN)).status_code == 200
    assert (await reader.post(LAN, json={"on": True})).status_code == 403
    assert (await admin.get("/api/v1/audit_entries?kind=lan_on")).json()["count"] == 0
    assert (await admin.post(LAN, json={"on": True, "encryption": "off"})).status_code == 202
    [told] = (await admin.get("/api/v1/audit_entries?kind=lan_on")).json()["data"]
    assert (told["actor_name"], told["detail"]) == ("ada", "off")
