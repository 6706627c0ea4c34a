"""The bundle where there is no Python: a namespace that sees it, the C library, zlib and the data alone.

Takes dist/gridbear and dist/gridbear-desktop where they are built (`packaging/dev.py bundle`), else builds the first.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.bench.servers import free_port
from tests.e2e import test_first_hour as first_hour
from tests.e2e.server_process import ROOT, STOP_SECONDS, RunningServer
from tests.e2e.watched_page import CHROMIUM, Watched, open_browser
from tests.server.db.next_schema import FIRST_SCHEMA
from tests.server.plugin_host.tests_plugin_support import write

PLACE = "/opt/gridbear"
LIBC = (
    "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0",
    "librt.so.1", "libutil.so.1", "libresolv.so.2", "libnss_files.so.2", "libnss_dns.so.2", "libmvec.so.1",
    "libz.so.1",
)  # fmt: skip
"""All that the program counts on: the parts of glibc, and zlib, which PyInstaller's loader wants."""
LOADER_FOLDERS = ("/lib64", "/lib", "/usr/lib64", "/usr/lib", f"/usr/lib/{platform.machine()}-linux-gnu")
PLUGIN_ROUTES = """
import markupsafe
from markupsafe import _speedups
from fastapi import APIRouter
from server.plugin_api import Caller
router = APIRouter()
@router.get("/shout")
async def shout(caller: Caller):
    return {"text": str(markupsafe.escape("<honey>")), "compiled": _speedups.__file__}
"""


def _why_not() -> str:
    """Why there can be no namespace here; empty where there can."""
    if sys.platform != "linux":
        return "namespaces are Linux's"
    if not shutil.which("bwrap"):
        return "bubblewrap (bwrap) is not installed"
    tried = subprocess.run([*_namespace(), "--ro-bind", "/", "/", "true"], capture_output=True, text=True, check=False)
    return f"no namespace may be made here: {tried.stderr.strip()}" if tried.returncode else ""


def _namespace() -> list[str]:
    # The network stays, so that the test can ask; processes too, so that it can end the server by its pid.
    return ["bwrap", "--unshare-user", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--die-with-parent"]


WHY_NOT = _why_not()
pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT),
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine"),
]


class AloneServer(RunningServer):
    """The bundle's server in a namespace; `shared` is a folder that it sees too. Its data folder has the same path."""

    def __init__(self, bundle: Path, data_dir: Path, shared: Path, env: dict[str, str]) -> None:
        super().__init__(data_dir)
        data_dir.mkdir(parents=True, exist_ok=True)
        given = {**env, "GRIDBEAR_DATA_DIR": str(data_dir), "GRIDBEAR_KEY_STORE": "file", "HOME": str(data_dir.parent)}
        seen = [part for name, value in given.items() for part in ("--setenv", name, value)]
        self.sandbox = [
            *_namespace(), *_c_library(), "--ro-bind", str(bundle), PLACE, "--proc", "/proc", "--dev", "/dev",
            "--tmpfs", "/tmp", "--bind", str(data_dir), str(data_dir), "--ro-bind", str(shared), str(shared),
            "--clearenv", *seen, "--chdir", "/",
        ]  # fmt: skip
        self.program = [*self.sandbox, f"{PLACE}/gridbear"]

    def stop(self) -> int:
        # bwrap itself would die of the signal and take the server with it.
        if self.process is not None and self.process.poll() is None and self.info:
            os.kill(int(self.info["pid"]), signal.SIGTERM)
            return self.process.wait(STOP_SECONDS)
        return super().stop()


def _c_library() -> list[str]:
    arguments = []
    for folder in LOADER_FOLDERS:
        for name in LIBC:
            if os.path.exists(f"{folder}/{name}"):
                arguments += ["--ro-bind", os.path.realpath(f"{folder}/{name}"), f"{folder}/{name}"]
    return arguments


@pytest.fixture(scope="module", params=["gridbear", "gridbear-desktop"])
def bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program folder."""
    built = ROOT / "dist" / str(request.param)
    if built.is_dir():
        return built
    if request.param != "gridbear":
        pytest.skip("the desktop program is not built: python3 packaging/dev.py bundle --desktop")
    folder = tmp_path_factory.mktemp("bundle")
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level=ERROR", f"--distpath={folder / 'dist'}",
               f"--workpath={folder / 'build'}", str(ROOT / "packaging" / "gridbear.spec")]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "dist" / "gridbear"


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A folder with a plugin and the wheel of somebody else that it asks for, with a compiled part."""
    folder = tmp_path / "shared"
    folder.mkdir()
    _wheel_of("markupsafe", folder)
    write(folder, "shouter", routes=PLUGIN_ROUTES, requirements=["markupsafe"])
    return folder


@pytest.fixture
def server(bundle: Path, tmp_path: Path, shared: Path) -> Iterator[AloneServer]:
    pip = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(shared)}
    env = {**pip, "INTERNAL_API_SECRET": first_hour.INTERNAL}
    with AloneServer(bundle, tmp_path / "home" / "data", shared, env) as running:
        yield running


@pytest.fixture
def upstream() -> Iterator[str]:
    """The address of an MCP server with two tools; here it runs outside, as one of another machine would."""
    port = free_port()
    process = subprocess.Popen([sys.executable, str(ROOT / "tests" / "bench" / "mcp_upstream.py"), "http", str(port)])
    yield f"http://127.0.0.1:{port}/mcp"
    process.terminate()
    process.wait(10)


def _wheel_of(name: str, shelf: Path) -> None:
    """The wheel that an installed package came from, made again of its files."""
    package = distribution(name)
    tags = [line.split()[1] for line in (package.read_text("WHEEL") or "").splitlines() if line.startswith("Tag:")]
    with zipfile.ZipFile(shelf / f"{name}-{package.version}-{tags[0]}.whl", "w") as archive:
        for file in package.files or ():
            if "__pycache__" not in file.parts and not file.parts[0].startswith(".."):
                archive.write(str(package.locate_file(file)), str(file))


def test_nothing_but_the_bundle_and_the_c_library_is_there(server: AloneServer) -> None:
    for program in ("/usr/bin/python3", "/bin/sh", sys.executable):
        tried = subprocess.run([*server.sandbox, program], capture_output=True, text=True, check=False)
        assert tried.returncode != 0 and "No such file" in tried.stderr, program


def test_the_first_hour_of_a_stranger_without_python(server: AloneServer, upstream: str, shared: Path) -> None:
    with first_hour._client(server) as nobody:
        assert nobody.get("/healthz").json() == {"status": "ok"}
        assert nobody.get("/api/v1/notes").json()["code"] == "setup_required"
    with open_browser() as browser:
        page = Watched(browser, server.url)
        first_hour._set_up(server, page)
        token = first_hour._token(server, "maja")
        with first_hour._client(server, token) as maja:
            first_hour._sign_in_as_a_script(server)
            first_hour._keep_notes(maja)
            first_hour._receive_a_webhook(server, maja)
            first_hour._be_notified_by_a_program(server, maja)
            added = {"name": "bench", "transport": "http", "url": upstream}
            assert maja.post("/api/v1/mcp_servers", json=added).status_code == 201
            for mode in ("legacy", "2026-07-28"):
                first_hour._run(_call_a_tool(server, token, mode))
            _install_a_plugin(server, maja, shared)
            home = page.open("/", ".plate")
            assert "The cake is ready" in home.inner_text("main") and "2 tools" in home.inner_text("main")
        page.check(allowed=("401", "422"))
        page.close()
    children = psutil.Process(int(server.info["pid"])).children(recursive=True)
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 5.0 and "Traceback" not in server.log, server.log
    assert not [child for child in children if child.is_running()]


async def _call_a_tool(server: AloneServer, token: str, mode: Any) -> None:
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=30) as http,
        Client(streamable_http_client(f"{server.url}/mcp", http_client=http), mode=mode) as client,
    ):
        for _ in range(100):
            if "bench__echo" in [tool.name for tool in (await client.list_tools()).tools]:
                break
            await asyncio.sleep(0.1)
        called = await client.call_tool("bench__echo", {"text": "honey"})
        assert not called.is_error and "honey" in str(called.content)


def _install_a_plugin(server: AloneServer, maja: httpx2.Client, shared: Path) -> None:
    _cli(server, ["plugin", "install", str(shared / "shouter"), "--yes"])
    assert _cli(server, ["plugin", "libraries", "shouter"]).startswith("markupsafe ")
    assert "shouter is on" in _cli(server, ["plugin", "enable", "shouter", "--yes"])
    said = maja.get("/api/shouter/shout").json()
    assert said["text"] == "&lt;honey&gt;" and str(server.data_dir) in said["compiled"]


def _cli(server: AloneServer, arguments: Sequence[str]) -> str:
    done = server.cli(arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_data_of_an_older_version_are_upgraded(bundle: Path, tmp_path: Path, shared: Path) -> None:
    data = tmp_path / "home" / "data"
    data.mkdir(parents=True)
    (data / "gridbear.db").write_bytes(gzip.decompress(FIRST_SCHEMA.read_bytes()))
    with AloneServer(bundle, data, shared, {}) as server:
        users = _cli(server, ["user", "list"])
        assert json.loads(httpx2.get(f"{server.url}/healthz").text) == {"status": "ok"}
        assert users.strip()
        assert list((data / "backups").glob("before-upgrade-*.db")), server.log
        assert server.stop() == 0
