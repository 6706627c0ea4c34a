"""What a start does without: time and memory that every start would cost, for what few need."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SELDOM_USED = (
    "PIL",
    "argon2",
    "certifi",
    "cryptography",
    "h11",
    "httpcore2",
    "httpx2",
    "jsonschema",
    "jsonschema_rs",
    "keyring",
    "mcp",
    "mcp_types",
    "mnemonic",
    "packaging",
    "pip",
    "prometheus_client",
    "psutil",
    "pyotp",
    "pystray",
    "qrcode",
    "rich",
    "typer",
    "webview",
    "zeroconf",
)
"""What is imported where it is used: the comment there says how seldom that is."""

START = """
import gc, json, os, signal, sys, threading, time, urllib.request
from pathlib import Path

told = {"searches": 0}
folder = Path(sys.argv[1])
run_file = folder / "run" / "server.json"


def count(phase, _info):
    if phase == "start" and not run_file.exists():
        told["searches"] += 1


def look():
    while not run_file.exists():
        time.sleep(0.01)
    url = json.loads(run_file.read_text())["url"]
    with urllib.request.urlopen(url + "/healthz") as answer:
        told["status"] = answer.status
    told["modules"] = sorted(sys.modules)
    told["searching"] = gc.isenabled()
    os.kill(os.getpid(), signal.SIGTERM)


from gridbear_desktop.cli import main

threading.Thread(target=look, daemon=True).start()
gc.callbacks.append(count)
sys.stdout = sys.stderr
code = main(["serve", "--data-dir", str(folder), "--port", "0"])
print(json.dumps(told), file=sys.__stdout__)
raise SystemExit(code)
"""


def test_a_start_imports_nothing_that_is_seldom_used_and_searches_for_no_garbage(tmp_path: Path) -> None:
    command = [sys.executable, "-c", START, str(tmp_path / "data")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["status"] == 200
    assert [name for name in SELDOM_USED if name in told["modules"]] == []
    assert told["searches"] <= 2  # before `serve` begins, while the command line is read
    assert told["searching"]
