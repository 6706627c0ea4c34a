"""`gridbear import-servers`, on a folder that no server uses and beside a running one."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gridbear_desktop.commands import run
from tests.gridbear_desktop.gridbear_process import Gridbear
from tests.server.mcp_gateway.importing import example_files as files

Command = Callable[..., int]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `gridbear` in this process, on a folder with one admin and in a home with a file of Cursor."""
    for name in ("CODEX_HOME", "CLAUDE_CONFIG_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("GRIDBEAR_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr("server.cli.commands._password", lambda _: "a calm bear in a den")
    (tmp_path / ".cursor").mkdir()
    (tmp_path / ".cursor" / "mcp.json").write_text(files.CURSOR, "utf-8")
    assert run(["user", "create", "maja", "--admin"]) == 0
    return lambda *arguments: run([str(argument) for argument in arguments])


def names(command: Command, capsys: pytest.CaptureFixture[str]) -> list[str]:
    capsys.readouterr()
    assert command("export", "mcp_servers", "--fields", "name", "--format", "json") == 0
    return [row["name"] for row in json.loads(capsys.readouterr().out)]


def test_sources_a_preview_and_an_import_by_client(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("import-servers") == 0
    assert "cursor          2 servers" in capsys.readouterr().out
    assert command("import-servers", "cursor", "--dry-run") == 0
    told = capsys.readouterr().out
    assert "+ brave-search: npx -y @modelcontextprotocol/server-brave-search  (from Brave Search)" in told
    assert "into the vault: BRAVE_API_KEY as brave-search-BRAVE_API_KEY" in told and "BSAbrave-value" not in told
    assert names(command, capsys) == []
    assert command("import-servers", "cursor", "--yes") == 0
    assert "2 MCP servers were imported." in capsys.readouterr().out
    assert names(command, capsys) == ["brave-search", "remote"]
    assert command("import-servers", "cursor", "--yes") == 0
    assert "There is nothing to import." in capsys.readouterr().out


def test_a_file_with_chosen_servers_and_stdin(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "some.json"
    path.write_text(files.VS_CODE, "utf-8")
    assert command("import-servers", path, "--only", "perplexity=ask", "--off", "--json") == 0
    done = json.loads(capsys.readouterr().out)
    assert done["imported"] == 1 and [one["enabled"] for one in done["servers"] if one["id"]] == [False]
    assert names(command, capsys) == ["ask"]
    assert command("import-servers", path, "--only", "nope", "--yes") == 1
    assert "There is no server 'nope'; there are perplexity" in capsys.readouterr().err
    assert command("import-servers", path, "--only", "folder", "--value", "input:folder=/srv", "--yes") == 0
    monkeypatch.setattr("sys.stdin", io.StringIO('"pasted": {"command": "x"}'))
    assert command("import-servers", "-", "--yes") == 0
    assert names(command, capsys) == ["ask", "folder", "pasted"]


def test_what_can_t_be_read_is_told(command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for source in (tmp_path / "nothing.json", tmp_path, "gemini"):
        assert command("import-servers", source) == 1
        assert str(tmp_path) in capsys.readouterr().err
    (tmp_path / "broken.json").write_text('{"mcpServers": {"a": }}')
    assert command("import-servers", tmp_path / "broken.json") == 1
    assert "line 1, column 22" in capsys.readouterr().err


@pytest.fixture
def gridbear(tmp_path: Path) -> Iterator[Gridbear]:
    running = Gridbear(tmp_path / "data")
    yield running
    running.end()


@pytest.mark.slow
def test_beside_a_running_server_it_makes_the_records(
    command: Command, gridbear: Gridbear, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gridbear.ready(gridbear.serve("--port", "0"))
    assert command("import-servers", "cursor", "--yes", "--off") == 0
    assert names(command, capsys) == ["brave-search", "remote"]


def test_one_server_is_one(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("import-servers", "cursor", "--only", "remote", "--yes") == 0
    assert "1 MCP server was imported." in capsys.readouterr().out
