"""The headless bundle, built and used as somebody who has no Python would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.plugin_host.tests_plugin_support import wheel, write

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a calm bear in a den"
START_SECONDS = 30.0


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built program's executable."""
    folder = tmp_path_factory.mktemp("bundle")
    command = [
        sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level=ERROR", f"--distpath={folder / 'dist'}",
        f"--workpath={folder / 'build'}", str(ROOT / "packaging" / "gridbear.spec"),
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "dist" / "gridbear" / ("gridbear.exe" if os.name == "nt" else "gridbear")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment without this checkout, its Python or a display."""
    folder = tmp_path_factory.mktemp("home")
    kept = {key: value for key, value in os.environ.items() if key in ("PATH", "LANG", "SYSTEMROOT", "TEMP")}
    return {**kept, "HOME": str(folder), "GRIDBEAR_DATA_DIR": str(folder / "data")}


@pytest.fixture(scope="module")
def server(program: Path, environment: dict[str, str]) -> Iterator[str]:
    """The address of the running bundle, with an admin made before its start."""
    run(program, environment, ["user", "create", "maja", "--admin", "--password-stdin"], f"{PASSWORD}\n")
    process = subprocess.Popen(
        [str(program), "serve", "--port", "0"],
        cwd=environment["HOME"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    run_file = Path(environment["GRIDBEAR_DATA_DIR"]) / "run" / "server.json"
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            url = str(json.loads(run_file.read_text("utf-8"))["url"])
            get(f"{url}/healthz")
            break
        except (OSError, ValueError):
            assert process.poll() is None and time.monotonic() < deadline, process.communicate()[0]
            time.sleep(0.05)
    yield url
    process.terminate()
    out, _ = process.communicate(timeout=10)
    assert process.returncode == 0, out
    assert "Traceback" not in out, out


def run(program: Path, environment: dict[str, str], arguments: list[str], stdin: str = "") -> str:
    done = subprocess.run(
        [str(program), *arguments], cwd=environment["HOME"], env=environment, input=stdin, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def get(url: str, token: str = "", body: Any = None) -> tuple[int, str]:
    """Status and body of one request; POST when there is a body."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    data = None
    if body is not None:
        headers["Content-Type"] = "application/json"
        data = json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data=data, headers=headers), timeout=10) as reply:
        return reply.status, reply.read().decode()


def test_it_knows_its_version(program: Path, environment: dict[str, str]) -> None:
    assert run(program, environment, ["--version"]).startswith("gridbear ")


def test_a_record_goes_in_and_comes_back(program: Path, environment: dict[str, str], server: str) -> None:
    assert get(f"{server}/healthz")[0] == 200
    token = run(program, environment, ["token", "create", "maja"]).splitlines()[-1]
    status, created = get(f"{server}/api/v1/notes", token, {"title": "from the bundle", "tags": ["a"]})
    assert status == 201
    row = json.loads(created)["data"]
    status, read = get(f"{server}/api/v1/notes/{row['id']}", token)
    assert status == 200
    assert json.loads(read)["data"] == row


def test_the_page_and_its_files_are_inside(server: str) -> None:
    status, page = get(f"{server}/")
    assert status == 200 and "<html" in page


def test_the_bundled_plugin_is_inside(server: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        get(f"{server}/api/webhook-inbox/", body={})
    with refused.value as answer:
        assert answer.code == 401, answer.read()


def test_a_plugin_gets_the_library_that_it_asks_for(program: Path, environment: dict[str, str], tmp_path: Path) -> None:
    wheel(tmp_path, "gbtest_lib", "1.0", "pydantic>=2")
    pip = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "PIP_CONFIG_FILE": str(tmp_path / "none")}
    apart = {**environment, **pip, "GRIDBEAR_DATA_DIR": str(tmp_path / "data")}
    run(program, apart, ["user", "create", "maja", "--admin", "--password-stdin"], f"{PASSWORD}\n")
    routes = "import gbtest_lib\nfrom fastapi import APIRouter\nrouter = APIRouter()\n"
    write(tmp_path, "weather", models="import gbtest_lib\n", routes=routes, requirements=["gbtest-lib"])
    run(program, apart, ["plugin", "install", str(tmp_path / "weather"), "--yes"])
    assert run(program, apart, ["plugin", "libraries", "weather"]).startswith("gbtest-lib 1.0  sha256:")
    assert "weather is on" in run(program, apart, ["plugin", "enable", "weather", "--yes"])
    run(program, apart, ["plugin", "new", "tea-log", "--in", str(tmp_path)])
    assert "tea-log 0.1.0 is good" in run(program, apart, ["plugin", "check", str(tmp_path / "tea-log")])


def test_a_task_of_a_plugin_runs_in_a_process_of_its_own(
    program: Path, environment: dict[str, str], server: str
) -> None:
    tasks = "import os\nfrom server.plugin_api import task\n@task(process=True)\nasync def pid() -> int:\n"
    routes = "from fastapi import APIRouter\nfrom server.plugin_api import Caller, Context\nrouter = APIRouter()\n"
    routes += "@router.post('/begin')\nasync def begin(caller: Caller, plugin: Context) -> str:\n"
    routes += "    return await plugin.start_task('pid', caller)\n"
    folder = Path(environment["GRIDBEAR_DATA_DIR"]) / "plugins"
    files = {"tasks.py": tasks + "    return os.getpid()\n"}
    write(folder, "crunch", routes=routes, files=files, permissions=["tasks"])
    run(program, environment, ["plugin", "enable", "crunch", "--yes"])
    token = run(program, environment, ["token", "create", "maja"]).splitlines()[-1]
    key = json.loads(get(f"{server}/api/crunch/begin", token, {})[1])
    deadline = time.monotonic() + START_SECONDS
    while True:
        [row] = json.loads(get(f"{server}/api/v1/tasks?key={key}", token)[1])["data"]
        if row["status"] not in ("queued", "running"):
            break
        assert time.monotonic() < deadline, row
        time.sleep(0.05)
    run_file = Path(environment["GRIDBEAR_DATA_DIR"]) / "run" / "server.json"
    assert row["status"] == "completed", row["error"]
    assert row["result"] != json.loads(run_file.read_text("utf-8"))["pid"]


def test_no_window_toolkit_is_inside(program: Path) -> None:
    names = {path.name.lower() for path in program.parent.rglob("*")}
    assert not [name for name in names if name.startswith(("libgtk", "libqt", "pyside", "webview", "pystray"))]
