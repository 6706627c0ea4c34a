"""The README's commands, done in order as a newcomer would, against a real server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from server_process import ROOT, RunningServer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("curl") is None, reason="the README's commands need curl"),
]


def shell_blocks() -> list[str]:
    """The README's shell commands, without those that make the environment these tests run in."""
    text = (ROOT / "README.md").read_text("utf-8")
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    return [block for block in blocks if "packaging/dev.py" not in block]


def test_the_first_steps_work_as_written(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data") as server:
        script = 'set -euo pipefail\ncurl() { command curl --silent --show-error --fail-with-body "$@"; echo; }\n'
        script += "".join(shell_blocks())
        script = re.sub(r"^ *\.venv/bin/pip install .*\n", "", script, flags=re.MULTILINE)
        script = script.replace("$PWD/.venv/bin/", f"{Path(sys.executable).parent}/")
        script = script.replace(".venv/bin/gridbear", f"'{sys.executable}' -m gridbear_desktop")
        script = script.replace("http://127.0.0.1:8088", server.url)
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=ROOT,
            env={**os.environ, "GRIDBEAR_DATA_DIR": str(tmp_path / "data")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert "Created admin maja." in done.stdout
    assert '"title":"Buy honey"' in done.stdout and '"count":1' in done.stdout
    assert '"name":"time"' in done.stdout
    assert '"secret":' in done.stdout
