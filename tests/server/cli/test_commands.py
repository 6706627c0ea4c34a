"""`gridbear` as a whole: every command on one page, `--json`, exit codes, the folder's lock, completion."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from gridbear_desktop.cli import main
from gridbear_desktop.commands import build, run
from server.data_folder import DataFolder

ROOT = Path(__file__).resolve().parents[3]
Command = Callable[..., int]
PHRASE = "abandon " * 11 + "about"
OF_NO_JSON = {"serve", "window", "mcp", "completion", "openapi"}
"""They run until they are ended, or print a document or a script."""


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `gridbear` in this process, on a folder with one admin."""
    monkeypatch.setenv("GRIDBEAR_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("GRIDBEAR_KEY_STORE", "file")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr("server.cli.commands._password", lambda _: "a calm bear in a den")
    assert run(["user", "create", "maja", "--admin"]) == 0
    return lambda *arguments: run([str(argument) for argument in arguments])


def commands(path: tuple[str, ...], one: Any) -> dict[tuple[str, ...], Any]:
    inside = getattr(one, "commands", {})
    found = {} if inside and not one.invoke_without_command else {path: one}
    for name, it in inside.items():
        found |= {} if it.hidden else commands((*path, name), it)
    return found


def all_commands() -> dict[tuple[str, ...], Any]:
    whole: Any = typer.main.get_command(build())
    return {path: it for name, one in whole.commands.items() for path, it in commands((name,), one).items()}


def test_the_page_of_the_commands_is_what_they_say_of_themselves() -> None:
    spec = importlib.util.spec_from_file_location("cli_page", ROOT / "packaging" / "cli_page.py")
    assert spec is not None and spec.loader is not None
    cli_page = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(cli_page)
    page = (ROOT / "docs" / "cli.md").read_text("utf-8")
    assert page == cli_page.page(), "run `python packaging/cli_page.py`"
    for path in all_commands():
        assert f"## gridbear {' '.join(path)}" in page


def test_every_command_that_tells_a_result_tells_it_as_json() -> None:
    for path, one in all_commands().items():
        options = {name for option in one.params for name in option.opts}
        assert ("--json" in options) == (path[0] not in OF_NO_JSON), path


def test_every_command_and_every_option_has_its_sentence() -> None:
    for path, one in all_commands().items():
        assert one.help, path
        assert all(option.help for option in one.params if option.name != "help") or path[0] in OF_NO_JSON, path


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["user", "create", "otto"], 0, ""),
        (["user", "create", "maja"], 3, "maja"),
        (["user", "reset-password", "nobody"], 1, "nobody"),
        (["user", "create"], 2, "gridbear user create --help"),
        (["user", "list", "--loud"], 2, "gridbear user list --help"),
        (["user", "list", "more"], 2, "(more). `gridbear user list --help`"),
        (["user"], 2, "`gridbear user` wants one of create, list, reset-password."),
        (["user", "lst"], 2, "Did you mean 'list'? `gridbear user --help` lists the commands."),
        (["dance"], 2, "gridbear --help"),
        (["export", "notes", "--format", "xml"], 2, "'--format': 'xml' is not one of"),
        (["backup", "check", "none.zip"], 1, "gridbear backup list"),
        (["restore", "none.zip", "--yes"], 1, "gridbear backup list"),
        (["restore"], 1, "--undo"),
        (["setup-link"], 1, "Start it"),
        (["export", "unheard_of"], 1, "unheard_of"),
        (["token", "create", "maja", "--expires", "soon"], 1, "2027-01-31"),
        (["connect", "claude-code"], 1, "--yes"),
        (["secrets", "forget", "--data-dir", "nowhere"], 1, "nowhere"),
        (["completion", "tcsh"], 2, "bash"),
        (["user", "create", "ot\udcff"], 1, "username: "),
        (["user", "reset-password", "ot\udcff"], 1, "There is no user"),
    ],
)
def test_exit_codes_are_those_of_the_page_and_errors_say_what_to_do(
    command: Command, capsys: pytest.CaptureFixture[str], words: list[str], code: int, says: str
) -> None:
    capsys.readouterr()
    assert command(*words) == code
    out, err = capsys.readouterr()
    assert says in err.replace("\n", " ")
    assert "Traceback" not in err and len(err.splitlines()) <= 1
    assert code == 0 or not out or words[0] == "connect", "the help is not shown instead"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--loud"], "Unrecognized arguments: --loud. `gridbear --help`"),
        (["--port"], "--port: expected one argument"),
        (["serve", "now"], "Unrecognized arguments: now. `gridbear serve --help`"),
        (["mcp", "--mode", "fast"], "choose from"),
        (["serve", "--data-dir", ""], "--data-dir is empty"),
        (["--data-dir="], "--data-dir is empty"),
        (["user", "list", "--data-dir", ""], "--data-dir is empty"),
        (["--data-dir", "my place", "serve"], "`gridbear serve --data-dir 'my place'`"),
        (["--port=80", "serve", "--safe"], "`gridbear serve --safe --port=80`"),
        (["--server", "time", "mcp"], "`gridbear mcp --server time`"),
        (["--data-dir", "x", "user", "list"], "behind the command that they are of: `gridbear user list --data-dir x`"),
        (["user", "--json", "list"], "`gridbear user list --json`"),
        (["--format", "csv", "export", "notes"], "`gridbear export notes --format csv`"),
        (["plugin", "--seconds", "5", "check", "x"], "`gridbear plugin check x --seconds 5`"),
        (["user", "--loud", "list"], "No such option: --loud"),
        (["--loud", "user", "list"], "Unrecognized arguments: --loud user list"),
        (["--data-dir", "x", "user"], "Unrecognized arguments: user"),
    ],
)
def test_wrong_use_is_one_sentence_of_every_command(
    capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert says in err and len(err.splitlines()) == 1 and err.startswith("gridbear: ") and not out


@pytest.mark.parametrize(
    "words",
    [["user", "list"], ["user", "reset-password", "maja"], ["token", "create", "maja"], ["lan", "status"],
     ["secrets", "rotate"], ["export", "notes"], ["plugin", "list"], ["setup-link"]],
)  # fmt: skip
def test_a_mistyped_data_folder_is_named_and_not_made(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert command(*words, "--data-dir", tmp_path / "dta") == 1
    assert ("--data-dir" if words != ["setup-link"] else "Start it") in capsys.readouterr().err
    assert not (tmp_path / "dta").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is full")
@pytest.mark.parametrize("words", [["export", "users"], ["user", "list"], ["openapi"], ["--version"]])
def test_a_full_disk_under_the_output_is_one_sentence(command: Command, tmp_path: Path, words: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        told = subprocess.run(
            [sys.executable, "-m", "gridbear_desktop", *words], stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT
        )
    assert told.returncode == 1
    assert told.stderr.splitlines() == ["gridbear: No space left on device."]


def test_nothing_is_imported_from_the_folder_that_a_command_is_run_in(tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / "__init__.py").write_text("raise SystemExit('of somebody else')")
    told = subprocess.run(
        [sys.executable, "-m", "gridbear_desktop", "--version"], capture_output=True, text=True, cwd=tmp_path
    )
    assert (told.returncode, told.stderr) == (0, "")


def test_json_is_all_that_stdout_has(command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (
        ["user", "create", "otto"],
        ["user", "list"],
        ["user", "reset-password", "otto"],
        ["token", "create", "otto"],
        ["secrets", "rotate"],
        ["secrets", "forget", "--yes"],
        ["lan", "status"],
        ["backup", "--without-phrase"],
        ["backup", "list"],
        ["export", "users", tmp_path / "users.csv"],
        ["plugin", "list"],
        ["data", "show"],
        ["data", "move", tmp_path / "elsewhere", "--dry-run"],
        ["connect", "--list"],
        ["import-servers"],
        ["models", "export"],
    ):
        capsys.readouterr()
        assert command(*words, "--json") == 0, words
        json.loads(capsys.readouterr().out)


ON_DATA: dict[tuple[str, ...], list[str]] = {
    ("user", "create"): ["otto"],
    ("user", "list"): [],
    ("user", "reset-password"): ["maja"],
    ("token", "create"): ["maja"],
    ("secrets", "phrase"): ["--phrase-stdin"],
    ("secrets", "rotate"): [],
    ("secrets", "recover"): ["--phrase-stdin"],
    ("secrets", "forget"): ["--yes"],
    ("backup",): [],
    ("lan", "on"): [],
    ("lan", "off"): [],
    ("lan", "status"): [],
    ("plugin", "list"): [],
    ("plugin", "install"): ["{plugin}", "--yes"],
    ("plugin", "uninstall"): ["memo", "--yes"],
    ("plugin", "enable"): ["memo", "--yes"],
    ("plugin", "disable"): ["memo"],
    ("plugin", "reload"): ["memo"],
    ("plugin", "libraries"): ["memo"],
    ("data", "move"): ["{elsewhere}", "--yes"],
    ("restore",): ["--before-upgrade", "--yes"],
    ("openapi",): [],
    ("export",): ["users"],
    ("import",): ["users", "{csv}"],
    ("import-servers",): ["{servers}", "--yes"],
    ("models", "export"): [],
    ("models", "import"): ["{models}", "--yes"],
}
LEAVE_DATA_ALONE = {
    ("serve",), ("window",), ("mcp",), ("completion",), ("doctor",), ("connect",), ("setup-link",), ("data", "show"),
    ("service", "install"), ("service", "remove"), ("service", "status"), ("uninstall",),
    ("autostart", "on"), ("autostart", "off"), ("autostart", "status"),
    ("backup", "list"), ("backup", "check"), ("plugin", "new"), ("plugin", "check"), ("plugin", "pack"),
    ("plugin", "types"),
}  # fmt: skip
"""They look without changing anything, or have nothing to do with the data (`serve` has tests of its own)."""


def test_it_is_known_of_every_command_whether_it_works_on_the_folder() -> None:
    assert set(all_commands()) == set(ON_DATA) | LEAVE_DATA_ALONE


@pytest.mark.parametrize("path", ON_DATA, ids=" ".join)
def test_no_command_touches_a_folder_that_another_process_holds(
    command: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    path: tuple[str, ...],
) -> None:
    (tmp_path / "users.csv").write_text("username\nida\n", "utf-8")
    (tmp_path / "servers.json").write_text('{"mcpServers": {"clock": {"command": "clock"}}}', "utf-8")
    (tmp_path / "models.json").write_text('{"format": "gridbear-models", "version": 1, "models": []}', "utf-8")
    place = {
        "{models}": tmp_path / "models.json",
        "{csv}": tmp_path / "users.csv",
        "{servers}": tmp_path / "servers.json",
        "{elsewhere}": tmp_path / "elsewhere",
        "{plugin}": ROOT / "plugins" / "memo",
    }
    monkeypatch.setattr("sys.stdin.read", lambda: PHRASE)
    folder = DataFolder(tmp_path / "data")
    before = {one: one.read_bytes() for one in folder.path.rglob("*") if one.is_file()}
    capsys.readouterr()
    with folder.lock():
        assert command(*path, *(place.get(word, word) for word in ON_DATA[path])) == 2
    assert "Another GridBear already uses the data folder" in capsys.readouterr().err
    assert {one: one.read_bytes() for one in folder.path.rglob("*") if one.is_file()} == before


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_a_shell_gets_the_script_that_completes(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "_GRIDBEAR_COMPLETE" in script and f"complete_{shell}" in script


def test_shells_get_commands_options_and_no_tray(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("gridbear_desktop.cli.tray_main", lambda _: pytest.fail("a tray was started"))

    def words(shell: str, typed: str) -> str:
        monkeypatch.setenv("_GRIDBEAR_COMPLETE", f"complete_{shell}")
        monkeypatch.setenv("COMP_WORDS", typed)
        monkeypatch.setenv("COMP_CWORD", str(len(typed.split(" ")) - 1))
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", typed)
        monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
        with pytest.raises(SystemExit) as ended:
            main([])
        assert ended.value.code == 0
        return capsys.readouterr().out

    assert words("bash", "gridbear back").split() == ["backup"]
    assert "--without-phrase" in words("bash", "gridbear backup --")
    for shell in ("zsh", "fish"):
        assert "backup" in words(shell, "gridbear back")
    # Those that typer does not run.
    assert words("bash", "gridbear serve --").split() == ["--data-dir", "--host", "--port", "--safe"]
    assert words("bash", "gridbear window --").split() == ["--data-dir"]
    assert words("bash", "gridbear mcp --s").split() == ["--server"]
    assert words("bash", "gridbear --m").split() == ["--minimized"]


@pytest.mark.skipif(sys.platform == "win32", reason="runs the script in bash, which Windows lacks")
def test_bash_takes_the_script(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", "bash"]) == 0
    (tmp_path / "script").write_text(capsys.readouterr().out, "utf-8")
    done = subprocess.run(["bash", "-c", f"source {tmp_path}/script && complete -p gridbear"], capture_output=True)
    assert b"_gridbear_completion" in done.stdout, done.stderr


def test_the_api_of_a_stopped_folder_is_described(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "openapi.json"
    assert command("openapi", target) == 0
    assert command("openapi", target) == 3
    assert command("openapi", target, "--force") == 0
    document = json.loads(target.read_text("utf-8"))
    assert document["openapi"].startswith("3.")
    assert "/api/v1/users" in document["paths"] and "/api/v1/backups" in document["paths"]
    capsys.readouterr()
    assert command("openapi") == 0
    assert json.loads(capsys.readouterr().out) == document
    assert command("openapi", "--data-dir", tmp_path / "nowhere") == 1
    assert not (tmp_path / "nowhere").exists()
