"""Import of MCP servers over REST: every client's file, what becomes a secret, hostile texts, roles."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.access.actor import SYSTEM
from tests.conftest import Bear
from tests.server.mcp_gateway.importing import example_files as files
from tests.server.mcp_gateway.tests_mcp_support import UPSTREAM

pytestmark = pytest.mark.anyio
IMPORT = "/api/v1/gateway/import"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder in which nothing is, with empty caches."""
    place = tmp_path / "home"
    place.mkdir()
    for name in ("CODEX_HOME", "CLAUDE_CONFIG_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "UV_CACHE_DIR",
                 "npm_config_cache", "NPM_CONFIG_CACHE"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(place))
    monkeypatch.setenv("USERPROFILE", str(place))
    return place


async def seen(admin: httpx2.AsyncClient, text: str, **more: Any) -> dict[str, dict[str, Any]]:
    """The preview, by key."""
    answer = await admin.post(f"{IMPORT}?dry_run=true", json={"text": text, **more})
    assert answer.status_code == 200, answer.text
    return {one["key"]: one for one in answer.json()["data"]["servers"]}


async def done(admin: httpx2.AsyncClient, text: str, **more: Any) -> dict[str, dict[str, Any]]:
    answer = await admin.post(IMPORT, json={"text": text, **more})
    assert answer.status_code == 200, answer.text
    return {one["key"]: one for one in answer.json()["data"]["servers"]}


async def server(bear: Bear, admin: httpx2.AsyncClient, name: str) -> dict[str, Any]:
    """The whole stored row."""
    rows = (await admin.get("/api/v1/mcp_servers", params={"name": name})).json()["data"]
    return await bear.app.records.reveal(SYSTEM, "mcp_servers", rows[0]["id"])


async def secrets(bear: Bear, admin: httpx2.AsyncClient) -> dict[str, str | None]:
    rows = (await admin.get("/api/v1/secrets")).json()["data"]
    return {row["name"]: (await bear.app.records.reveal(SYSTEM, "secrets", row["id"]))["value"] for row in rows}


async def test_a_preview_changes_nothing_and_the_import_does_what_it_said(
    home: Path, bear: Bear, admin: httpx2.AsyncClient
) -> None:
    preview = await seen(admin, files.CLAUDE_DESKTOP)
    assert {key: one["status"] for key, one in preview.items()} == {
        "filesystem": "ready", "GitHub": "ready", "gridbear": "own",
    }  # fmt: skip
    assert preview["GitHub"]["name"] == "github" and preview["GitHub"]["renamed"]
    assert preview["GitHub"]["secrets"] == [
        {"name": "github-GITHUB_PERSONAL_ACCESS_TOKEN", "variable": "GITHUB_PERSONAL_ACCESS_TOKEN", "has_value": True}
    ]
    assert preview["GitHub"]["unpinned"] and not preview["filesystem"]["unpinned"]
    assert files.GITHUB_TOKEN not in json.dumps(preview)
    assert (await admin.get("/api/v1/mcp_servers")).json()["data"] == []
    assert (await admin.get("/api/v1/secrets")).json()["data"] == []

    made = await done(admin, files.CLAUDE_DESKTOP)
    assert made["gridbear"]["id"] is None
    row = await server(bear, admin, "github")
    assert row["id"] == made["GitHub"]["id"]
    assert row["env"] == {"GITHUB_PERSONAL_ACCESS_TOKEN": "${secret:github-GITHUB_PERSONAL_ACCESS_TOKEN}"}
    assert await secrets(bear, admin) == {"github-GITHUB_PERSONAL_ACCESS_TOKEN": files.GITHUB_TOKEN}

    again = await seen(admin, files.CLAUDE_DESKTOP)
    assert again["filesystem"]["status"] == "there" and again["filesystem"]["same_as"] == "filesystem"
    assert (await admin.post(IMPORT, json={"text": files.CLAUDE_DESKTOP})).json()["data"]["imported"] == 0


async def test_no_token_of_an_imported_file_is_readable_in_the_data_folder(
    home: Path, bear: Bear, admin: httpx2.AsyncClient, tmp_path: Path
) -> None:
    await done(admin, files.CLAUDE_DESKTOP)
    await done(admin, files.CURSOR)
    stored = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert any(path.name.endswith((".db", ".sqlite", ".sqlite3")) for path in stored), stored
    for path in stored:
        data = path.read_bytes()
        for value in (files.GITHUB_TOKEN, "BSAbrave-value", "remote-token-value"):
            assert value.encode() not in data, path


async def test_claude_code_has_servers_for_all_and_of_projects(
    home: Path, bear: Bear, admin: httpx2.AsyncClient
) -> None:
    made = await done(admin, files.CLAUDE_CODE)
    assert {key: (one["name"], one["transport"]) for key, one in made.items()} == {
        "linear": ("linear", "http"), "notes": ("notes", "stdio"), "/home/maja/shop > linear": ("linear-2", "sse"),
    }  # fmt: skip
    assert made["/home/maja/shop > linear"]["project"] == "/home/maja/shop"
    row = await server(bear, admin, "notes")
    assert row["env"] == {
        "NOTES_DIR": f"{home}/notes", "NOTES_KEY": "${secret:notes-NOTES_KEY}", "MODE": "quiet",
    }  # fmt: skip
    assert await secrets(bear, admin) == {"notes-NOTES_KEY": None, "linear-2-X-Api-Key": "abc"}
    assert [one["key"] for one in made["notes"]["needs"]] == ["env:NOTES_KEY"]


async def test_a_value_that_only_names_a_variable_is_asked_for_and_not_taken_for_the_secret(
    bear: Bear, admin: httpx2.AsyncClient
) -> None:
    env = {"API_KEY": "$SHOP_KEY", "PASSWORD": "pa$SWORD", "PRICE": "$5", "OTHER": "a $NAME inside of a text"}
    headers = {"Authorization": "Bearer $SHOP_TOKEN"}
    text = json.dumps({"mcpServers": {
        "shop": {"command": "uvx", "args": ["shop"], "env": env},
        "far": {"httpUrl": "https://shop.example/mcp", "headers": headers},
    }})  # fmt: skip
    made = await done(admin, text)
    assert [one["key"] for one in made["shop"]["needs"]] == ["env:SHOP_KEY"]
    assert [one["key"] for one in made["far"]["needs"]] == ["env:SHOP_TOKEN"]
    kept = await secrets(bear, admin)
    assert kept["shop-PASSWORD"] == "pa$SWORD"
    assert not {"$SHOP_KEY", "$SHOP_TOKEN"} & set(kept.values())
    row = await server(bear, admin, "shop")
    assert (row["env"]["PRICE"], row["env"]["OTHER"]) == ("$5", "a $NAME inside of a text")


async def test_cursor_with_comments_gives_pinned_commands_and_a_bearer_header(
    home: Path, bear: Bear, admin: httpx2.AsyncClient
) -> None:
    package = home / ".npm" / "_npx" / "f00" / "node_modules" / "@modelcontextprotocol" / "server-brave-search"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"version": "0.6.2"}')
    made = await done(admin, files.CURSOR)
    brave = made["Brave Search"]
    assert (brave["name"], brave["unpinned"]) == ("brave-search", False)
    assert brave["package"] == {
        "registry": "npm", "name": "@modelcontextprotocol/server-brave-search", "version": "0.6.2",
        "version_from": "cache",
    }  # fmt: skip
    row = await server(bear, admin, "brave-search")
    assert row["args"] == ["-y", "@modelcontextprotocol/server-brave-search@0.6.2"]
    row = await server(bear, admin, "remote")
    assert row["headers"] == {"Authorization": "Bearer ${secret:remote-Authorization}"}
    assert (await secrets(bear, admin))["remote-Authorization"] == "remote-token-value"


async def test_inputs_of_vs_code_become_secrets_defaults_or_questions(
    home: Path, bear: Bear, admin: httpx2.AsyncClient
) -> None:
    preview = await seen(admin, files.VS_CODE)
    assert {key: one["status"] for key, one in preview.items()} == {
        "perplexity": "ready", "folder": "invalid", "github": "ready", "project": "invalid",
    }  # fmt: skip
    assert preview["folder"]["needs"] == [{"key": "input:folder", "description": "Folder to serve"}]
    assert preview["project"]["needs"] == [{"key": "workspaceFolder", "description": ""}]
    assert preview["project"]["notes"] == ["Not taken over: dev."]

    made = await done(admin, files.VS_CODE, values={"input:folder": "/srv/files", "input:perplexity-key": "pplx-value"})
    assert made["folder"]["args"][-1] == "/srv/files"
    row = await server(bear, admin, "perplexity")
    assert row["env"] == {"PERPLEXITY_API_KEY": "${secret:perplexity-perplexity-key}", "LOG_LEVEL": "info"}
    assert (await secrets(bear, admin))["perplexity-perplexity-key"] == "pplx-value"


async def test_toml_of_codex_and_json_of_gemini(home: Path, bear: Bear, admin: httpx2.AsyncClient) -> None:
    made = await done(admin, files.CODEX)
    assert made["context7"]["unpinned"] and made["context7"]["notes"] == ["Not taken over: startup_timeout_sec."]
    figma = await server(bear, admin, "figma")
    assert figma["enabled"] is False
    assert figma["headers"] == {
        "X-Figma-Region": "us-east-1", "Authorization": "Bearer ${secret:figma-FIGMA_OAUTH_TOKEN}",
    }  # fmt: skip
    made = await done(admin, files.GEMINI)
    assert {key: one["transport"] for key, one in made.items()} == {"tools": "http", "stream": "sse", "python": "stdio"}
    row = await server(bear, admin, "python")
    assert (row["command"], row["args"], row["cwd"]) == ("npx", ["-y", "some-server@1.0.0"], "~/work")


@pytest.mark.parametrize(
    "text",
    ['{"a": {"command": "x"}}', '"a": {"command": "x"}', '{"mcp": {"servers": {"a": {"command": "x"}}}}',
     '\ufeff{"servers": {"a": {"command": "x"}}}', '[mcp_servers.a]\ncommand = "x"'],
)  # fmt: skip
async def test_pasted_pieces_are_understood(home: Path, admin: httpx2.AsyncClient, text: str) -> None:
    assert (await seen(admin, text))["a"]["command"] == "x"


async def test_a_single_server_without_a_name_is_called_after_its_package(
    home: Path, admin: httpx2.AsyncClient
) -> None:
    (one,) = (await seen(admin, '{"command": "npx", "args": ["-y", "@scope/server-time@1.2.3"]}')).values()
    assert one["name"] == "server-time"


async def test_only_chosen_servers_are_made_and_under_the_chosen_names(
    home: Path, bear: Bear, admin: httpx2.AsyncClient
) -> None:
    made = await done(admin, files.CLAUDE_DESKTOP, names={"GitHub": "hub"}, enabled=False)
    rows = (await admin.get("/api/v1/mcp_servers")).json()["data"]
    assert [(row["name"], row["enabled"]) for row in rows] == [("hub", False)]
    assert made["filesystem"]["id"] is None
    assert set(await secrets(bear, admin)) == {"hub-GITHUB_PERSONAL_ACCESS_TOKEN"}
    for names, field in (
        ({"nope": "x"}, "nope"), ({"filesystem": "Not Safe"}, "filesystem"), ({"gridbear": "x"}, "gridbear"),
        ({"filesystem": "hub"}, "filesystem"), ({"filesystem": "x", "GitHub": "x"}, "GitHub"),
        ({"filesystem": "records"}, "filesystem"),
    ):  # fmt: skip
        answer = await admin.post(IMPORT, json={"text": files.CLAUDE_DESKTOP, "names": names})
        assert answer.status_code == 422 and field in answer.json()["fields"], answer.text
    assert len((await admin.get("/api/v1/mcp_servers")).json()["data"]) == 1


ODD: dict[str, tuple[str, str]] = {
    "no object": ('"x"', "no object"),
    "a list": ("[1]", "no object"),
    "nothing": ("{}", "neither a command nor an address"),
    "both": ('{"command": "x", "url": "https://a.example"}', "both"),
    "number as command": ('{"command": 5}', "command is no text"),
    "args as text": ('{"command": "x", "args": "-y"}', "no list"),
    "object in args": ('{"command": "x", "args": [{}]}', "no text"),
    "infinite": ('{"command": "x", "args": [1e999]}', "no text"),
    "env as list": ('{"command": "x", "env": ["A=1"]}', "no object"),
    "bad variable": ('{"command": "x", "env": {"A=B": "1"}}', "name of a variable"),
    "NUL": ('{"command": "x\\u0000y"}', "NUL"),
    "half a character": ('{"command": "x", "args": ["\\ud800"]}', "surrogate"),
    "relative": ('{"command": "../../bin/x"}', "whole path"),
    "unknown type": ('{"type": "carrier-pigeon", "url": "https://a.example"}', "not known"),
    "a file as address": ('{"url": "file:///etc/passwd"}', "http"),
    "split header": ('{"url": "https://a.example", "headers": {"A": "b\\r\\nC: d"}}', "more than one line"),
    "broken address": ('{"url": "https://[bad"}', ""),
    "too many": (json.dumps({"command": "x", "args": ["a"] * 300}), "more than 200"),
    "too long": (json.dumps({"command": "x" * 5000}), "at most"),
    "our secret": ('{"command": "x", "env": {"A": "${secret:other}"}}', "by name"),
    "our secret in pieces": ('{"command": "x", "env": {"A": "$${env:N:-}{secret:other}"}}', "by name"),
    "our secret in an argument": ('{"command": "x", "args": ["$${env:N:-}{secret:other}"]}', "secret"),
}


@pytest.mark.parametrize("odd", ODD)
async def test_what_is_no_server_is_told_with_its_reason_and_harms_no_other(
    home: Path, admin: httpx2.AsyncClient, odd: str
) -> None:
    entry, reason = ODD[odd]
    text = '{"mcpServers": {"odd": ENTRY, "good": {"command": "x"}}}'.replace("ENTRY", entry)
    preview = await seen(admin, text)
    assert preview["odd"]["status"] == "invalid" and preview["good"]["status"] == "ready"
    assert reason in preview["odd"]["problem"], preview["odd"]["problem"]
    made = await done(admin, text)
    assert made["odd"]["id"] is None and made["good"]["id"] is not None
    answer = await admin.post(IMPORT, json={"text": text, "names": {"odd": "odd"}})
    assert answer.status_code == 422


async def test_an_input_whose_default_is_one_of_our_secrets_gets_none(home: Path, admin: httpx2.AsyncClient) -> None:
    text = json.dumps({
        "inputs": [{"id": "a", "default": "${secret:other}"}],
        "servers": {"x": {"command": "x", "env": {"A": "${input:a}"}}},
    })  # fmt: skip
    assert (await seen(admin, text))["x"]["status"] == "invalid"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "nothing in it"),
        ("hello", "no JSON"),
        ('{"mcpServers": {}}', "no MCP servers"),
        ('{"mcpServers": [1]}', "no MCP servers"),
        ('{"a": ' + "[" * 5000, "nested too deeply"),
        ('{"mcpServers": {"a": ' + '{"x":' * 5000, "nested too deeply"),
        ("a = " + "[" * 50_000, "nested too deeply"),
        (".".join("a" * 20_000) + " = 1", "dots"),
        ("a = 1\n" * 80_000, "KB"),
        ('{"mcpServers": {"a": {"command": "x"}', "line 1"),
        (json.dumps({"mcpServers": {str(n): {"command": "x"} for n in range(501)}}), "500"),
    ],
)
async def test_a_text_that_can_t_be_read_says_why(
    home: Path, admin: httpx2.AsyncClient, text: str, reason: str
) -> None:
    for address in (IMPORT, f"{IMPORT}?dry_run=true"):
        answer = await admin.post(address, json={"text": text})
        assert answer.status_code == 422, answer.text
        assert reason in answer.json()["error"]
    assert (await admin.get("/api/v1/mcp_servers")).json()["data"] == []


async def test_a_text_over_the_limit_of_a_body_is_refused(home: Path, admin: httpx2.AsyncClient) -> None:
    answer = await admin.post(IMPORT, json={"text": "{" + " " * 1_100_000 + "}"})
    assert answer.status_code == 413
    assert (await admin.post(IMPORT, json={})).status_code == 422
    assert (await admin.post(IMPORT, json={"text": "{}", "source": "cursor"})).status_code == 422


async def test_of_a_name_that_stands_twice_the_last_counts_and_it_is_said(
    home: Path, admin: httpx2.AsyncClient
) -> None:
    preview = await seen(admin, '{"mcpServers": {"a": {"command": "one"}, "a": {"command": "two"}}}')
    assert preview["a"]["command"] == "two" and "more than once" in preview["a"]["notes"][0]


async def test_names_that_meet_get_numbers_and_secrets_too(home: Path, bear: Bear, admin: httpx2.AsyncClient) -> None:
    await admin.post("/api/v1/secrets", json={"name": "my-server-API_KEY", "value": "older"})
    text = json.dumps({"mcpServers": {
        name: {"command": f"/opt/{n}", "env": {"API_KEY": f"value {n}"}}
        for n, name in enumerate(("my server", "My-Server", "../../my server", "", "\U0001f43b", "records"))
    }})  # fmt: skip
    made = await done(admin, text)
    assert [one["name"] for one in made.values()] == [
        "my-server", "my-server-2", "my-server-3", "3", "server", "records-2",
    ]  # fmt: skip
    kept = await secrets(bear, admin)
    assert kept["my-server-API_KEY"] == "older" and kept["my-server-API_KEY-2"] == "value 0"


async def test_nothing_of_a_text_is_run_and_no_variable_of_ours_is_told(
    home: Path, bear: Bear, admin: httpx2.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDBEAR_TEST_CANARY", "canary value")
    mark = tmp_path / "was-run"
    text = json.dumps({"mcpServers": {
        "touch": {"command": "/usr/bin/touch", "args": [str(mark)], "env": {"A": "${GRIDBEAR_TEST_CANARY}"}},
        "npx": {"command": "npx", "args": ["-y", f"pkg; touch {mark}"]},
        "sub": {"command": "sh", "args": ["-c", f"touch {mark}"]},
    }})  # fmt: skip
    await seen(admin, text, look_up=True)
    await done(admin, text, enabled=False)
    assert not mark.exists()
    row = await server(bear, admin, "touch")
    assert "canary value" not in json.dumps([row, await secrets(bear, admin)])


async def test_credentials_in_an_address_become_a_header(home: Path, bear: Bear, admin: httpx2.AsyncClient) -> None:
    made = await done(admin, '{"a": {"url": "https://maja:pa%20ss@tools.example/mcp?token=abc"}}')
    assert made["a"]["url"] == "https://tools.example/mcp?token=abc"
    assert "looks like a secret" in made["a"]["notes"][0]
    assert (await server(bear, admin, "a"))["headers"] == {"Authorization": "Basic ${secret:a-Authorization}"}
    assert await secrets(bear, admin) == {"a-Authorization": "bWFqYTpwYSBzcw=="}


async def test_only_admins_import_and_files_of_this_computer_are_read_on_it_alone(
    home: Path, bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, guest_role: httpx2.AsyncClient,
    nobody: httpx2.AsyncClient,
) -> None:  # fmt: skip
    (home / ".cursor").mkdir()
    (home / ".cursor" / "mcp.json").write_text(files.CURSOR)
    reader = await bear.person("ada", scopes=["api:read"])
    for client, status in ((member, 403), (guest_role, 403), (reader, 403), (nobody, 401)):
        for body in ({"text": files.CURSOR}, {"source": "cursor"}):
            for address in (IMPORT, f"{IMPORT}?dry_run=true"):
                answer = await client.post(address, json=body)
                assert answer.status_code == status and "brave" not in answer.text.lower()
    assert (await member.get(f"{IMPORT}/sources")).status_code == 403
    away = await bear.client("192.168.1.9", authorization=admin.headers["authorization"])
    assert (await away.get(f"{IMPORT}/sources")).json()["code"] == "loopback_only"
    answer = await away.post(IMPORT, json={"source": "cursor"})
    assert answer.json()["code"] == "loopback_only" and str(home) not in answer.text
    assert (await admin.get("/api/v1/mcp_servers")).json()["data"] == []

    found = {one["client"]: one for one in (await admin.get(f"{IMPORT}/sources")).json()["data"]}
    assert found["cursor"]["servers"] == 2 and not found["gemini"]["exists"]
    answer = await admin.post(IMPORT, json={"source": "cursor"})
    assert answer.json()["data"]["imported"] == 2
    assert (await admin.post(IMPORT, json={"source": "gemini"})).status_code == 404
    assert (await admin.post(IMPORT, json={"source": "../../etc/passwd"})).status_code == 404


async def test_a_broken_file_is_named_among_the_sources(home: Path, admin: httpx2.AsyncClient) -> None:
    (home / ".gemini").mkdir()
    (home / ".gemini" / "settings.json").write_bytes(b"\xff\xfe")
    found = {one["client"]: one for one in (await admin.get(f"{IMPORT}/sources")).json()["data"]}
    assert "UTF-8" in found["gemini"]["problem"] and found["gemini"]["servers"] == 0


async def test_an_imported_server_works_and_gets_the_secret_that_went_into_the_vault(
    home: Path, bear: Bear, admin: httpx2.AsyncClient
) -> None:
    text = json.dumps({"mcpServers": {"My Tools": {
        "command": sys.executable, "args": [str(UPSTREAM), "stdio"], "env": {"TOOLS_API_KEY": "a key of tools"},
    }}})  # fmt: skip
    made = await done(admin, text)
    body = {"tool": "my-tools__variable", "arguments": {"name": "TOOLS_API_KEY"}}
    answer = await admin.post("/api/v1/gateway/call", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["result"]["content"][0]["text"] == "a key of tools"
    await bear.app.gateway.activity.log.flush()
    calls = await admin.get("/api/v1/tool_calls")
    assert calls.json()["count"] == 1 and "a key of tools" not in calls.text
    assert made["My Tools"]["id"] is not None
