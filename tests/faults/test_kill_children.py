"""A server that is killed leaves no process of its MCP servers behind, also where the system has no help for it."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.gridbear_desktop.gridbear_process import Gridbear, wait_for

META: dict[str, Any] = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
}
pytestmark = pytest.mark.slow
# As on macOS, or with an older util-linux: nothing asks the kernel to end a child with its parent.
BARE = """
import runpy, shutil, sys
which = shutil.which
shutil.which = lambda name, *more, **named: None if name == "setpriv" else which(name, *more, **named)
sys.argv[0] = "gridbear"
runpy.run_module("gridbear_desktop", run_name="__main__", alter_sys=True)
"""
# Deaf to the end of its standard input and to polite signals, and with a child in its group.
DEAF = """
import signal, subprocess, sys, threading
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
subprocess.Popen(["sleep", "{seconds}"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
sys.path.insert(0, {folder!r})
from relay_upstream import server
threading.Thread(target=threading.Event().wait).start()
server.run("stdio")
"""


@pytest.fixture
def gridbear(tmp_path: Path) -> Iterator[Gridbear]:
    running = Gridbear(tmp_path / "data")
    yield running
    running.end()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has a job object in place of this guardian")
@pytest.mark.parametrize("helped", [True, False], ids=["with the kernel's help", "without setpriv"])
def test_a_killed_server_leaves_no_process_of_an_mcp_server_and_starts_clean(
    gridbear: Gridbear, tmp_path: Path, helped: bool
) -> None:
    gridbear.create_user("ada")
    upstreams = Path(__file__).parents[1] / "server" / "mcp_gateway"
    seconds = f"86{gridbear.data_dir.stat().st_ino}"
    script = tmp_path / "deaf.py"
    script.write_text(DEAF.format(seconds=seconds, folder=str(upstreams)))
    servers = {name: {"command": sys.executable, "args": [str(script), name]} for name in ("one", "two")}
    given = json.dumps({"mcpServers": servers})
    assert gridbear.cli("import-servers", "-", "--yes", stdin=given).returncode == 0

    def children() -> list[psutil.Process]:
        # By what they run: an orphan is nobody's child.
        found = []
        for process in psutil.process_iter(["cmdline", "status"]):
            words = process.info["cmdline"] or []
            if process.info["status"] != psutil.STATUS_ZOMBIE and (
                words[1:2] == [str(script)] or words == ["sleep", seconds]
            ):
                found.append(process)
        return found

    def lists_tools(info: dict[str, Any]) -> None:
        asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META}}
        request = urllib.request.Request(
            f"{info['url']}/mcp",
            json.dumps(asked).encode(),
            {
                "authorization": f"Bearer {info['control_token']}",
                "accept": "application/json, text/event-stream",
                "content-type": "application/json",
                "mcp-protocol-version": META["io.modelcontextprotocol/protocolVersion"],
                "mcp-method": "tools/list",
            },
        )
        with urllib.request.urlopen(request, timeout=60) as reply:
            assert reply.status == 200

    begin = ["serve", "--data-dir", str(gridbear.data_dir)]
    command = gridbear.command(*begin) if helped else [sys.executable, "-c", BARE, *begin]
    server = gridbear.popen(command)
    lists_tools(gridbear.ready(server))
    wait_for(lambda: len(children()) == 4, "the start of both servers and their children")
    server.kill()
    server.wait()
    wait_for(lambda: not children(), "the end of all children", 20)
    again = gridbear.popen(command)
    info = gridbear.ready(again)
    assert not children()
    lists_tools(info)
    again.terminate()
    assert again.wait(60) == 0
    assert not children()
