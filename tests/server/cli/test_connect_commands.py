"""`gridbear connect` beside a running server: entries by address, their tokens, the bundle."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gridbear_desktop.commands import run
from tests.gridbear_desktop.gridbear_process import CLEARED, Gridbear

INITIALIZE = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
    "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}}  # fmt: skip
Command = Callable[..., int]
pytestmark = pytest.mark.slow


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `gridbear` in this process, with a home and a data folder of its own that has one admin."""
    for name in (*CLEARED, "CODEX_HOME", "CLAUDE_CONFIG_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("GRIDBEAR_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr("server.cli.commands._password", lambda _: "a calm bear in a den")
    assert run(["user", "create", "maja", "--admin"]) == 0
    return lambda *arguments: run([str(argument) for argument in arguments])


@pytest.fixture
def gridbear(command: Command, tmp_path: Path) -> Iterator[Gridbear]:
    running = Gridbear(tmp_path / "data")
    running.ready(running.serve("--port", "0"))
    yield running
    running.end()


def initialized(entry: dict[str, Any]) -> int:
    """The status of the gateway's answer to a client with this entry."""
    headers = {**entry["headers"], "content-type": "application/json", "accept": "application/json, text/event-stream"}
    request = urllib.request.Request(entry["url"], json.dumps(INITIALIZE).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_token_lives_as_long_as_the_entry_it_is_in(
    command: Command, gridbear: Gridbear, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / ".cursor" / "mcp.json"
    assert command("connect", "cursor", "--by-url", "--token", "--dry-run") == 0
    assert "Bearer gb_..." in capsys.readouterr().out and not path.exists()

    assert command("connect", "cursor", "--by-url", "--token", "--yes", "--json") == 0
    first = json.loads(path.read_text())["mcpServers"]["gridbear"]
    token = first["headers"]["Authorization"].removeprefix("Bearer ")
    out = capsys.readouterr()
    assert token not in out.out + out.err
    assert path.stat().st_mode & 0o077 == 0
    assert initialized(first) == 200

    assert command("connect", "cursor", "--by-url", "--token", "--yes") == 0
    out = capsys.readouterr()
    assert token not in out.out + out.err
    second = json.loads(path.read_text())["mcpServers"]["gridbear"]
    assert (initialized(first), initialized(second)) == (401, 200)

    assert command("connect", "cursor", "--remove", "--yes") == 0
    assert initialized(second) == 401
    assert json.loads(path.read_text()) == {"mcpServers": {}}


def test_who_signs_in_by_themselves_get_no_token_and_others_one(
    command: Command, gridbear: Gridbear, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("connect", "claude-code", "--by-url", "--yes") == 0
    entry = json.loads((tmp_path / ".claude.json").read_text())["mcpServers"]["gridbear"]
    assert set(entry) == {"type", "url"} and entry["url"].endswith("/mcp")
    assert command("connect", "codex", "--by-url", "--yes") == 0
    assert "http_headers" in (tmp_path / ".codex" / "config.toml").read_text()
    assert command("connect", "codex", "--by-url", "--yes", "--user", "nobody") == 1
    for wrong in (("--by-url", "--remove"), ("--token",), ("--bundle", "x.mcpb")):
        assert command("connect", "cursor", *wrong, "--yes") == 1
    assert command("connect", "claude-desktop", "--by-url", "--yes") == 1
    assert "--bundle" in capsys.readouterr().err
    assert not (tmp_path / ".config" / "Claude").exists() and not (tmp_path / ".cursor").exists()


def test_the_bundle_starts_a_bridge_that_answers(
    command: Command, gridbear: Gridbear, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "gridbear.mcpb"
    assert command("connect", "claude-desktop", "--bundle", file) == 0
    assert str(file) in capsys.readouterr().out
    with zipfile.ZipFile(file) as archive:
        config = json.loads(archive.read("manifest.json"))["server"]["mcp_config"]
    done = subprocess.run(
        [config["command"], *config["args"]], input=json.dumps(INITIALIZE) + "\n", cwd=tmp_path, env=gridbear.env,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert json.loads(done.stdout.splitlines()[0])["result"]["serverInfo"]["name"], done.stderr
