"""The examples of docs/api-examples.md, run in order against a real server, each language by itself."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from people import PASSWORD
from server_process import ROOT, RunningServer
from watched_page import CHROMIUM, open_browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("curl") is None, reason="the examples begin with requests by curl: not installed"),
]
EXAMPLES = "api-examples.md"
REFERENCE = "api.md"
ADDRESS = "http://127.0.0.1:8088"


def blocks(language: str, document: str = EXAMPLES) -> str:
    """All examples of one language in a document as one program."""
    text = (ROOT / "docs" / document).read_text("utf-8")
    return "\n".join(re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL))


def assert_said(program: str, output: str) -> None:
    """Everything that the program's `→` lines promise stands in its output, in this order."""
    position = 0
    promised = re.findall(r"^(?:#|//) → (.+)$", program, re.MULTILINE)
    assert promised
    for text in promised:
        found = output.find(text, position)
        assert found >= 0, f"{text!r} is missing after:\n{output[:position]}\n--- and then came:\n{output[position:]}"
        position = found + len(text)


def run(command: list[str], folder: Path, data: Path, **env: str) -> str:
    """What the command printed."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "GRIDBEAR_DATA_DIR": str(data), "PYTHONPATH": str(ROOT), **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def after_shell(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What the shell examples printed, and the folder that they ran in, with the data of their server."""
    folder = tmp_path_factory.mktemp("shell")
    with RunningServer(folder / "data") as server:
        server.create_user("maja", PASSWORD, admin=True)
        program = blocks("sh").replace(ADDRESS, server.url)
        runnable = program.replace(".venv/bin/gridbear", f"'{sys.executable}' -m gridbear_desktop")
        output = run(["bash", "-c", f"set -euo pipefail\n{runnable}"], folder, server.data_dir)
    return output, folder


@pytest.fixture
def server(after_shell: tuple[str, Path], tmp_path: Path) -> Iterator[RunningServer]:
    """A server on what the shell examples leave behind."""
    shutil.copytree(after_shell[1], tmp_path, dirs_exist_ok=True)
    with RunningServer(tmp_path / "data") as server:
        yield server


def test_the_shell_examples_do_what_they_say(after_shell: tuple[str, Path]) -> None:
    assert_said(blocks("sh"), after_shell[0])


def test_the_python_examples_do_what_they_say(server: RunningServer, tmp_path: Path) -> None:
    program = blocks("python").replace(ADDRESS, server.url)
    output = run([sys.executable, "-c", program], tmp_path, server.data_dir, TOKEN=token(server))
    assert_said(program, output)


def test_the_commands_of_the_reference_work_as_written(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data") as server:
        server.create_user("maja", PASSWORD, admin=True)
        # A stream of events has no end of its own: 28 is what curl answers when its time is over.
        curl = 'curl() { command curl -sS --fail-with-body --max-time 3 "$@" || [ $? = 28 ]; echo; }'
        program = f"set -euo pipefail\n{curl}\n{blocks('sh', REFERENCE)}".replace(ADDRESS, server.url)
        output = run(["bash", "-c", program], tmp_path, server.data_dir, TOKEN=token(server))
    assert '"username":"maja"' in output and '"name":"books"' in output


@pytest.mark.skipif(not CHROMIUM, reason="the JavaScript examples run in Chromium, which is not installed")
def test_the_javascript_examples_do_what_they_say(server: RunningServer) -> None:
    with open_browser() as browser:
        program = blocks("js").replace(ADDRESS, server.url)
        said: list[str] = []
        page = browser.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.goto(f"{server.url}/api/docs")
        page.evaluate(f"async () => {{ {program.replace('gb_…', token(server))} }}")
    assert_said(program, "\n".join(said))


def token(server: RunningServer) -> str:
    return str(server.operation("token-create", username="maja", name="examples")["token"])
