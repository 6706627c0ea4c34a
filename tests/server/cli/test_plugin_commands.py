"""`gridbear plugin`, on a folder that no server uses and beside a running one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gridbear_desktop.commands import run
from tests.gridbear_desktop.gridbear_process import Gridbear
from tests.server.plugin_host.tests_plugin_support import ROUTES, model, write

Command = Callable[..., int]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `gridbear plugin` in this process, on a folder with one admin."""
    monkeypatch.setenv("GRIDBEAR_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("GRIDBEAR_KEY_STORE", "file")
    monkeypatch.setattr("server.cli.commands._password", lambda _: "a calm bear in a den")
    monkeypatch.chdir(tmp_path)
    assert run(["user", "create", "maja", "--admin"]) == 0
    return lambda *arguments: run(["plugin", *(str(argument) for argument in arguments)])


def answer(command: Command, capsys: pytest.CaptureFixture[str], *arguments: Any, code: int = 0) -> Any:
    """What a command prints as JSON."""
    capsys.readouterr()
    assert command(*arguments, "--json") == code
    return json.loads(capsys.readouterr().out)


def test_a_plugin_is_installed_switched_and_removed_on_the_folder(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "weather", models=model("weather_days"), routes=ROUTES, permissions=["secrets"], description="Sun.")
    assert command("install", "weather", "--dry-run") == 0
    shown = capsys.readouterr().out
    assert "weather (weather 1): Sun." in shown and "It asks for secrets: Keep secrets" in shown
    assert not (tmp_path / "data" / "plugins" / "weather").exists()
    assert command("install", "weather") == 1
    assert "Nothing was changed" in capsys.readouterr().err
    assert command("install", "weather", "--yes") == 0
    assert "gridbear plugin enable weather" in capsys.readouterr().out
    assert command("install", "weather", "--yes") == 3
    assert "--replace" in capsys.readouterr().err
    assert command("enable", "weather") == 1
    assert command("enable", "weather", "--yes") == 0
    rows = {row["name"]: row for row in answer(command, capsys, "list")}
    assert (rows["weather"]["state"], rows["weather"]["permissions"]) == ("on", ["secrets"])
    assert command("list") == 0
    assert "weather" in capsys.readouterr().out
    assert command("disable", "weather") == 0
    assert command("uninstall", "weather", "--yes", "--drop-data") == 0
    assert "Dropped: weather_days" in capsys.readouterr().out
    names = [row["name"] for row in answer(command, capsys, "list")]
    assert "webhook-inbox" in names and "weather" not in names


def test_other_files_than_those_of_the_hash_are_refused(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "weather")
    digest = answer(command, capsys, "pack", "weather")["content_hash"]
    assert command("pack", "weather") == 3
    assert command("install", "weather-1.zip", "--hash", "0" * 64, "--yes") == 1
    assert "not those that were looked at" in capsys.readouterr().err
    told = answer(command, capsys, "install", "weather-1.zip", "--hash", digest)
    assert (told["plugin"]["name"], told["content_hash"]) == ("weather", digest)


@pytest.mark.parametrize("words", [["enable", "nothing"], ["uninstall", "nothing", "--yes"], ["install", "nothing"]])
def test_what_is_not_there_is_said_in_one_sentence(
    command: Command, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert command(*words) == 1
    told = capsys.readouterr().err
    assert "nothing" in told and "Traceback" not in told


def test_nothing_is_made_where_there_is_no_gridbear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRIDBEAR_DATA_DIR", str(tmp_path / "none"))
    assert run(["plugin", "list"]) == 1
    assert "There is no GridBear in" in capsys.readouterr().err and not (tmp_path / "none").exists()


def test_a_plugin_that_fails_to_start_says_where(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "weather", models="1 / 0\n")
    assert command("install", "weather", "--yes") == 0
    assert command("enable", "weather") == 1
    told = capsys.readouterr().err
    assert "ZeroDivisionError" in told and "weather stays out: weather/models.py" in told


@pytest.mark.parametrize("name", ["v1", "Weather", "../weather", "a/b", ""])
def test_a_bad_name_makes_no_folder(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    before = sorted(tmp_path.iterdir())
    assert command("new", name) == 1
    assert sorted(tmp_path.iterdir()) == before and "folder" in capsys.readouterr().err


def test_a_new_plugin_is_good_and_does_what_its_readme_says(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("new", "tea-time") == 0
    assert command("new", "tea-time") == 3
    files = {path.relative_to(tmp_path).as_posix() for path in (tmp_path / "tea-time").rglob("*") if path.is_file()}
    names = ("manifest.json", "models.py", "api/routes.py", "tools.py", "hooks.py", "tasks.py", "README.md")
    assert files == {f"tea-time/{name}" for name in names}
    text = "".join((tmp_path / file).read_text() for file in files)
    assert "my-plugin" not in text and "my_plugin" not in text and "My plugin" not in text
    told = answer(command, capsys, "check", "tea-time")
    assert (told["error"], told["models"], told["version"]) == (None, ["tea_time_items"], "0.1.0")
    assert [it["name"] for it in told["permissions"]] == ["mcp_tools", "tasks"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"public_api": "yes"}, ["weather/manifest.json", "'public_api'", '"yes"', "true or false"]),
        ({"dependencies": ["maps"]}, ["'maps'"]),
        ({"models": model("other_days")}, ["weather/models.py", "other_days", "weather_"]),
        ({"models": "raise SystemExit(3)\n"}, ["weather/models.py", "SystemExit"]),
        ({"models": "import os\nos._exit(7)\n"}, ["exit code 7"]),
        ({"files": {"tools.py": "from server.plugin_api import tool\n@tool()\nasync def f(): 'x'\n"}}, ["mcp_tools"]),
    ],
)
def test_what_is_wrong_is_told_with_file_and_reason(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str], given: dict[str, Any], words: list[str]
) -> None:
    write(tmp_path, "weather", **given)
    told = answer(command, capsys, "check", "weather", code=1)
    assert [word for word in words if word not in told["error"]] == []
    assert not (tmp_path / "data" / "plugins" / "weather").exists()


def test_code_that_is_not_for_plugins_is_told_by_file_and_line_though_it_starts(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "weather", files={"hooks.py": "def late():\n    from server.records.service import Records\n"})
    told = answer(command, capsys, "check", "weather", code=1)
    assert "in one place" in told["error"] and told["misuses"][0].startswith("hooks.py:2: server.records.service")
    assert command("check", "weather") == 1
    assert "\nhooks.py:2: server.records.service" in f"\n{capsys.readouterr().err}"


@pytest.mark.slow
def test_a_plugin_that_never_ends_is_given_up(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "weather", models="while True:\n    pass\n")
    told = answer(command, capsys, "check", "weather", "--seconds", 4, code=1)
    assert "within 4 s" in told["error"]


def test_what_a_plugin_needs_is_found_beside_it(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "maps", models=model("maps_places"))
    write(tmp_path, "weather", dependencies=["maps"])
    assert answer(command, capsys, "check", "weather")["error"] is None


@pytest.fixture
def gridbear(tmp_path: Path) -> Iterator[Gridbear]:
    running = Gridbear(tmp_path / "data")
    yield running
    running.end()


@pytest.mark.slow
def test_beside_a_running_server_the_commands_go_through_it(
    command: Command, gridbear: Gridbear, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gridbear.ready(gridbear.serve("--port", "0"))
    write(tmp_path, "weather", models=model("weather_days"), routes=ROUTES, permissions=["secrets"])
    assert answer(command, capsys, "install", "weather", "--dry-run")["plugin"] is None
    assert answer(command, capsys, "install", "weather")["plugin"]["state"] == "off"
    assert command("install", "weather", "--yes") == 3
    assert answer(command, capsys, "enable", "weather", "--yes")["state"] == "on"
    assert answer(command, capsys, "reload", "weather")["state"] == "on"
    (tmp_path / "weather" / "models.py").write_text("1 / 0\n")
    assert answer(command, capsys, "install", "weather", "--replace")["plugin"]["state"] == "failed"
    assert answer(command, capsys, "disable", "weather")["state"] == "off"
    assert answer(command, capsys, "uninstall", "weather", "--drop-data")["dropped"] == ["weather_days"]
    assert command("enable", "weather") == 1


def test_what_a_plugins_servers_start_is_shown_before_it_is_installed_or_enabled(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    servers = {"sky": {"command": "npx", "args": ["-y", "sky mcp"]}, "sea": {"url": "https://sea.example/mcp"}}
    write(tmp_path, "weather", permissions=["mcp_servers"], mcp_servers=servers)
    lines = ("  weather-sky starts npx -y 'sky mcp'", "  weather-sea connects to https://sea.example/mcp")
    assert command("install", "weather", "--dry-run") == 0
    shown = capsys.readouterr().out
    assert "your rights" in shown and all(line in shown for line in lines)
    assert command("install", "weather", "--yes") == 0
    capsys.readouterr()
    # Nobody is there to answer.
    assert command("enable", "weather") != 0
    shown = capsys.readouterr().out
    assert all(line in shown for line in lines)
    assert command("enable", "weather", "--yes") == 0
    assert command("check", "weather") == 0


def test_the_shapes_of_sdk_js_are_written_beside_a_plugin_and_its_own_settings_kept(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plugin = write(tmp_path, "weather")
    written = answer(command, capsys, "types", plugin)["files"]
    assert [Path(file).name for file in written] == ["sdk.d.ts", "jsconfig.json"]
    assert 'declare module "*/ui/sdk.js" {' in (plugin / "sdk.d.ts").read_text("utf-8")
    (plugin / "jsconfig.json").write_text("{}", "utf-8")
    assert [Path(file).name for file in answer(command, capsys, "types", plugin)["files"]] == ["sdk.d.ts"]
    assert (plugin / "jsconfig.json").read_text("utf-8") == "{}"
    assert command("check", plugin) == 0, "they are no part of what runs"
    (tmp_path / "empty").mkdir()
    assert command("types", tmp_path / "empty") == 1
    assert "manifest.json" in capsys.readouterr().err and not list((tmp_path / "empty").iterdir())
