"""The catalogue of well-known MCP servers: the file itself, and adding one over REST."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from server.access.actor import SYSTEM
from server.mcp_gateway.importing.packages import package_of
from server.mcp_gateway.server_catalogue.known_servers import known_servers
from server.models.mcp_server import NAME_PATTERN, OWN_NAMES
from tests.conftest import Bear

CATALOGUE = "/api/v1/gateway/catalogue"


def test_the_file_has_safe_names_exact_versions_and_well_formed_commands() -> None:
    known = known_servers()
    assert 20 <= len(known) <= 30
    assert {"filesystem", "memory", "git", "time", "fetch", "sqlite", "github", "everything", "sequential-thinking",
            "playwright", "postgres"} <= set(known)  # fmt: skip
    for name, one in known.items():
        assert re.fullmatch(NAME_PATTERN, name) and name not in OWN_NAMES, name
        assert one.summary.endswith(".") and one.homepage.startswith("https://"), name
        keys = [part.key for part in one.arguments] + [part.name for part in one.variables]
        assert len(set(keys)) == len(keys), name
        assert all(part.flag == "" or part.flag.startswith("--") for part in one.arguments), name
        if one.registry is None:
            assert urlsplit(one.url).scheme == "https" and not one.args and not one.arguments, name
            continue
        assert not one.url and not one.signs_in, name
        package = package_of(one.program, one.words)
        assert package is not None and (package.name, package.version) == (one.package, one.version), name
        assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*", part.name) and not part.before for part in one.variables), name
    text = Path("assets/known_servers.toml").read_text("utf-8")
    assert len(re.findall(r"^\[\[servers\]\]$", text, re.MULTILINE)) == len(known), "a name stands twice"


def test_what_would_not_start_with_what_is_newest_today_says_what_it_needs() -> None:
    # Seen: with mcp 2 the first two end at once, and uvx takes no newer Python for a package by itself.
    known = known_servers()
    assert known["sqlite"].words[:3] == ("--with", "mcp<2", "mcp-server-sqlite@2025.4.25")
    assert known["postgres"].words[:4] == ("--python", ">=3.12", "--with", "mcp<2")
    assert known["basic-memory"].words == ("--python", ">=3.12", "basic-memory@0.24.1", "mcp")


@pytest.mark.anyio
async def test_every_offered_server_can_be_added_and_shows_as_added(bear: Bear, admin: httpx2.AsyncClient) -> None:
    offered = (await admin.get(CATALOGUE)).json()["data"]
    assert all(one["added_as"] == "" for one in offered)
    for one in offered:
        body = {
            "arguments": {part["key"]: "/srv/x" if part["kind"] == "path" else "x" for part in one["arguments"]},
            "variables": {part["name"]: f"value of {part['name']}" for part in one["variables"]},
            "enabled": False,
        }
        answer = await admin.post(f"{CATALOGUE}/{one['name']}/add", json=body)
        assert answer.status_code == 201, (one["name"], answer.text)
        made = answer.json()["data"]
        assert answer.headers["location"].endswith(f"/api/v1/mcp_servers/{made['id']}")
        assert len(made["secrets"]) == sum(part["secret"] for part in one["variables"])
        stored = await bear.app.records.reveal(SYSTEM, "mcp_servers", made["id"])
        for part in one["variables"]:
            assert (f"value of {part['name']}" in json.dumps([stored["env"], stored["headers"]])) is not part["secret"]
    again = {one["name"]: one for one in (await admin.get(CATALOGUE)).json()["data"]}
    # With values that a person chose it may be wanted more than once.
    assert all(one["added_as"] == name for name, one in again.items() if not one["arguments"])


@pytest.mark.anyio
async def test_values_go_where_they_belong(bear: Bear, admin: httpx2.AsyncClient, tmp_path: Path) -> None:
    body = {"arguments": {"folders": ["~/Documents", str(tmp_path)]}, "name": "papers", "enabled": False}
    made = (await admin.post(f"{CATALOGUE}/filesystem/add", json=body)).json()["data"]
    row = await bear.app.records.reveal(SYSTEM, "mcp_servers", made["id"])
    version = known_servers()["filesystem"].version
    assert row["name"] == "papers" and row["command"] == "npx" and row["enabled"] is False
    assert row["args"] == [
        "-y", f"@modelcontextprotocol/server-filesystem@{version}", f"{Path.home()}/Documents", str(tmp_path),
    ]  # fmt: skip
    for token in ("ghp_one", "Bearer ghp_two"):
        body = {"variables": {"Authorization": token}, "enabled": False}
        made = (await admin.post(f"{CATALOGUE}/github/add", json=body)).json()["data"]
        row = await bear.app.records.reveal(SYSTEM, "mcp_servers", made["id"])
        assert row["headers"] == {"Authorization": f"Bearer ${{secret:{made['secrets'][0]}}}"}
        (secret,) = (await admin.get("/api/v1/secrets", params={"name": made["secrets"][0]})).json()["data"]
        kept = await bear.app.records.reveal(SYSTEM, "secrets", secret["id"])
        assert kept["value"] == token.removeprefix("Bearer ")
    rows = (await admin.get("/api/v1/mcp_servers?sort=id")).json()["data"]
    assert [row["name"] for row in rows] == ["papers", "github", "github-2"]


BAD = {
    "nothing given": ("filesystem", {}, "folders"),
    "a relative folder": ("filesystem", {"arguments": {"folders": ["../x"]}}, "folders"),
    "an option": ("filesystem", {"arguments": {"folders": ["--allow-all"]}}, "folders"),
    "two where one is wanted": ("git", {"arguments": {"repository": ["/a", "/b"]}}, "repository"),
    "too many": ("filesystem", {"arguments": {"folders": ["/a"] * 51}}, "folders"),
    "an option as text": ("time", {"arguments": {"timezone": "--x"}}, "timezone"),
    "NUL": ("git", {"arguments": {"repository": "/a\x00b"}}, "repository"),
    "a number": ("git", {"arguments": {"repository": 5}}, "arguments.repository.str"),
    "unknown": ("fetch", {"arguments": {"proxy": "x"}}, "proxy"),
    "unknown variable": ("fetch", {"variables": {"LD_PRELOAD": "/x.so"}}, "LD_PRELOAD"),
    "no key": ("brave-search", {}, "BRAVE_API_KEY"),
    "one of our secrets": ("brave-search", {"variables": {"BRAVE_API_KEY": "${secret:other}"}}, "BRAVE_API_KEY"),
    "two lines": ("github", {"variables": {"Authorization": "a\r\nX: b"}}, "Authorization"),
    "a bad name": ("fetch", {"name": "No Good"}, "name"),
    "a name of ours": ("fetch", {"name": "records"}, None),
    "another field": ("fetch", {"command": "sh"}, "command"),
}


@pytest.mark.anyio
@pytest.mark.parametrize("case", BAD)
async def test_what_can_t_be_taken_is_named_and_nothing_is_made(case: str, admin: httpx2.AsyncClient) -> None:
    name, body, field = BAD[case]
    answer = await admin.post(f"{CATALOGUE}/{name}/add", json=body)
    assert answer.status_code == (422 if field else 409), answer.text
    assert field is None or field in answer.json()["fields"], answer.text
    assert (await admin.get("/api/v1/mcp_servers")).json()["data"] == []
    assert (await admin.get("/api/v1/secrets")).json()["data"] == []


@pytest.mark.anyio
@pytest.mark.parametrize("arguments", [{}, {"folders": []}, {"folders": [" "]}, {"folders": ""}])
async def test_a_value_that_is_missing_is_asked_for_by_its_label_and_kind(
    arguments: dict[str, Any], admin: httpx2.AsyncClient
) -> None:
    answer = await admin.post(f"{CATALOGUE}/filesystem/add", json={"arguments": arguments})
    assert answer.status_code == 422 and answer.json()["fields"]["folders"]["code"] == "required"
    assert answer.json()["fields"]["folders"]["message"] == (
        "“Folders” is missing: give one or more whole paths, such as /home/me/Documents. "
        "It may read and change everything in them."
    )
    answer = await admin.post(f"{CATALOGUE}/brave-search/add", json={})
    told = answer.json()["fields"]["BRAVE_API_KEY"]["message"]
    assert " is missing: give a text" in told, told


@pytest.mark.anyio
async def test_a_name_that_is_taken_makes_neither_server_nor_secret(admin: httpx2.AsyncClient) -> None:
    body = {"variables": {"BRAVE_API_KEY": "x"}, "name": "brave", "enabled": False}
    assert (await admin.post(f"{CATALOGUE}/brave-search/add", json=body)).status_code == 201
    answer = await admin.post(f"{CATALOGUE}/brave-search/add", json=body)
    assert answer.status_code == 409
    assert len((await admin.get("/api/v1/secrets")).json()["data"]) == 1


@pytest.mark.anyio
async def test_only_admins_see_and_add(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, guest_role: httpx2.AsyncClient,
    nobody: httpx2.AsyncClient,
) -> None:  # fmt: skip
    reader = await bear.person("ada", scopes=["api:read"])
    for client, status in ((member, 403), (guest_role, 403), (nobody, 401)):
        assert (await client.get(CATALOGUE)).status_code == status
        assert (await client.post(f"{CATALOGUE}/fetch/add", json={})).status_code == status
    assert (await reader.get(CATALOGUE)).status_code == 200
    assert (await reader.post(f"{CATALOGUE}/fetch/add", json={})).status_code == 403
    assert (await admin.post(f"{CATALOGUE}/nothing/add", json={})).status_code == 404
    assert (await admin.get("/api/v1/mcp_servers")).json()["data"] == []
