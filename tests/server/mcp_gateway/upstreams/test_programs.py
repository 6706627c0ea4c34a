"""Programs are found as a login shell would find them, in homes of all kinds."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from server.mcp_gateway.upstreams.login_shell import login_shell_path
from server.mcp_gateway.upstreams.program_folders import known_folders
from server.mcp_gateway.upstreams.programs import ProgramNotFound, Programs, installs

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(sys.platform == "win32", reason="homes of POSIX systems")]


def put(place: Path, text: str = "#!/bin/sh\n") -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    place.chmod(0o755)
    return place


def environment(home: Path, shell: str = "/bin/false", **more: str) -> dict[str, str]:
    """As a desktop gives it to a program: hardly any PATH."""
    return {"HOME": str(home), "PATH": "/usr/bin:/bin", "SHELL": shell, **more}


@pytest.mark.parametrize(
    "folder",
    [".local/bin", ".volta/bin", ".local/share/mise/shims", ".pyenv/shims", ".asdf/shims", ".cargo/bin", ".bun/bin",
     ".local/share/fnm/aliases/default/bin", ".docker/bin"],
)  # fmt: skip
async def test_a_program_in_the_folder_of_a_version_manager_is_found(tmp_path: Path, folder: str) -> None:
    place = put(tmp_path / folder / "some-program")
    found = await Programs(environment(tmp_path)).find("some-program")
    assert found.found_at == str(place)
    assert found.path.split(":")[0] == str(place.parent), "what it starts is looked for beside it first"
    assert {"/usr/bin", "/bin"} <= set(found.path.split(":"))


@pytest.mark.parametrize(
    ("aliases", "wanted"),
    [({}, "v22.3.0"), ({"default": "20"}, "v20.11.1"),
     ({"default": "lts/*", "lts/*": "lts/iron", "lts/iron": "v20.9.0"}, "v20.9.0"),
     ({"default": "v18.0.0"}, "v22.3.0"), ({"default": "../../../x"}, "v22.3.0")],
)  # fmt: skip
async def test_of_nvms_versions_the_default_one_is_taken_else_the_newest(
    tmp_path: Path, aliases: dict[str, str], wanted: str
) -> None:
    root = tmp_path / ".nvm"
    for version in ("v9.11.2", "v20.9.0", "v20.11.1", "v22.3.0"):
        put(root / "versions" / "node" / version / "bin" / "some-npx")
    for name, text in aliases.items():
        (root / "alias" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "alias" / name).write_text(f"{text}\n")
    found = await Programs(environment(tmp_path)).find("some-npx")
    assert Path(found.found_at).parent.parent.name == wanted


async def test_what_the_start_files_of_the_shell_put_on_the_path_wins(tmp_path: Path) -> None:
    put(tmp_path / ".local" / "bin" / "some-program")
    place = put(tmp_path / "elsewhere" / "some-program")
    (tmp_path / ".bashrc").write_text(f'echo hello; case $- in *i*) export PATH="{place.parent}:$PATH";; esac\n')
    (tmp_path / ".bash_profile").write_text('. "$HOME/.bashrc"\n')
    found = await Programs(environment(tmp_path, "/bin/bash")).find("some-program")
    assert found.found_at == str(place)


async def test_a_shell_that_never_ends_is_not_waited_for_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / ".bash_profile").write_text(f"echo $$ > {tmp_path}/pid; sleep 1000\n")
    assert await login_shell_path(environment(tmp_path), "/bin/bash", seconds=1.0) == []
    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.slow
@pytest.mark.parametrize("hang_up", [signal.SIG_DFL, signal.SIG_IGN], ids=["plain", "nohup"])
@pytest.mark.parametrize("background", ["", "&"], ids=["waited-for", "in-the-background"])
async def test_what_the_start_files_run_is_told_to_end_and_tidies_up_first(
    tmp_path: Path, background: str, hang_up: signal.Handlers
) -> None:
    # As `pyenv rehash` does it: killed, it would leave a lock for which every later shell waits a minute.
    put(tmp_path / "rehash", f"#!/bin/bash\ntrap 'rm -f {tmp_path}/lock' EXIT\n: > {tmp_path}/lock\nsleep 1000\n")
    (tmp_path / ".bash_profile").write_text(
        f"{tmp_path}/rehash >/dev/null {background}\nuntil [ -e {tmp_path}/lock ]; do sleep 0.02; done\n"
    )
    before = signal.signal(signal.SIGHUP, hang_up)
    try:
        answer = await login_shell_path(environment(tmp_path), "/bin/bash", seconds=2.0)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert bool(answer) is bool(background), "the other one ran into its limit"
    assert (tmp_path / "rehash").exists() and not (tmp_path / "lock").exists()


async def test_no_secret_of_ours_reaches_the_start_files_of_the_shell(tmp_path: Path) -> None:
    (tmp_path / ".bash_profile").write_text(f"/usr/bin/env > {tmp_path}/seen\n")
    leaks = {"GRIDBEAR_INTERNAL_API_SECRET": "canary", "LD_LIBRARY_PATH": "/bundle", "PYTHONHOME": "/bundle"}
    await Programs(environment(tmp_path, "/bin/bash", **leaks)).find("sh")
    seen = (tmp_path / "seen").read_text()
    assert "PATH=" in seen and not any(text in seen for text in ("canary", "/bundle", "GRIDBEAR"))


async def test_the_shell_is_asked_once_in_ten_minutes_and_again_when_something_is_missing(tmp_path: Path) -> None:
    (tmp_path / ".bash_profile").write_text(f"echo asked >> {tmp_path}/asked\n")
    now = 1000.0
    programs = Programs(environment(tmp_path, "/bin/bash"), clock=lambda: now)

    def asked() -> int:
        return (tmp_path / "asked").read_text().count("asked")

    for _ in range(3):
        await programs.find("sh")
    assert asked() == 1
    now += 30
    await programs.find("sh")
    assert asked() == 1
    with pytest.raises(ProgramNotFound):
        await programs.find("some-program")
    assert asked() == 2
    place = put(tmp_path / "bin" / "some-program")
    now += 30
    assert (await programs.find("some-program")).found_at == str(place), "installed meanwhile"
    now += 601
    await programs.find("sh")
    assert asked() == 4


async def test_what_is_not_found_is_said_with_where_it_was_looked_for_and_what_to_install(tmp_path: Path) -> None:
    programs = Programs({"HOME": str(tmp_path), "PATH": "/nowhere", "SHELL": "/bin/false"})
    with pytest.raises(ProgramNotFound) as missing:
        await programs.find("no-such-npx")
    assert missing.value.message == "The program no-such-npx was not found."
    assert missing.value.advice.startswith("Looked in /nowhere")
    assert "Install no-such-npx, or give the whole path" in missing.value.advice


async def test_a_path_that_is_configured_comes_first_and_stays_on_the_path_of_the_program(tmp_path: Path) -> None:
    put(tmp_path / ".local" / "bin" / "some-program")
    place = put(tmp_path / "mine" / "some-program")
    found = await Programs(environment(tmp_path)).find("some-program", str(place.parent))
    assert found.found_at == str(place)


@pytest.mark.parametrize("command", ["{home}/x/tool", "~/x/tool", "./tool", "../x/tool"])
async def test_a_command_with_a_folder_in_it_is_taken_from_there(tmp_path: Path, command: str) -> None:
    place = put(tmp_path / "x" / "tool")
    programs = Programs(environment(tmp_path))
    found = await programs.find(command.format(home=tmp_path), cwd="~/x")
    assert os.path.samefile(found.found_at, place)
    place.chmod(0o644)
    with pytest.raises(ProgramNotFound, match="tool was not found") as refused:
        await programs.find(command.format(home=tmp_path), cwd="~/x")
    assert "no program that may be run" in refused.value.advice
    place.unlink()
    with pytest.raises(ProgramNotFound) as refused:
        await programs.find(command.format(home=tmp_path), cwd="~/x")
    assert "is not there" in refused.value.advice


def test_folders_that_do_not_exist_are_left_out(tmp_path: Path) -> None:
    assert all(folder.is_dir() for folder in known_folders(tmp_path, {}))


@pytest.mark.parametrize(
    ("command", "args", "fetches"),
    [("npx", ("-y", "x"), True), ("/opt/node/bin/npx", (), True), ("C:\\node\\npx.cmd", (), True), ("uvx", (), True),
     ("uv", ("run", "x"), True), ("uv", ("pip",), False), ("node", ("x.js",), False), ("docker", ("run",), True)],
)  # fmt: skip
def test_what_may_have_to_be_fetched_first_is_known_by_its_command(
    command: str, args: tuple[str, ...], fetches: bool
) -> None:
    assert installs(command, args) is fetches
