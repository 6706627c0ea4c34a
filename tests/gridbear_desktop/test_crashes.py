"""A server that crashes: the report that it leaves, the safe start that follows, and the way back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pytest
from gridbear_process import Gridbear, run_info, wait_for
from test_launcher import supervise

from gridbear_desktop import crash_report

pytestmark = pytest.mark.slow
CRASH = "import faulthandler\nfaulthandler._sigsegv()\n"


def ask(info: dict[str, Any], method: str, path: str, body: Any = None) -> Any:
    """The data of an answer to whoever holds the control token."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {info['control_token']}", "Content-Type": "application/json"}
    request = urllib.request.Request(info["url"] + path, data=data, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)["data"]


def plugin(gridbear: Gridbear) -> Path:
    """The file of a plugin that runs when the plugin starts."""
    folder = gridbear.data_dir / "plugins" / "kettle"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"name": "kettle", "version": "1"}))
    return folder / "models.py"


def test_a_plugin_that_crashes_the_server_is_left_out_at_the_third_start_and_comes_back(gridbear: Gridbear) -> None:
    models = plugin(gridbear)
    supervise(gridbear)
    info = wait_for(lambda: run_info(gridbear.data_dir), "the server")
    assert not info["safe_mode"]
    ask(info, "POST", "/api/v1/plugins/kettle/enable", {"permissions": []})
    models.write_text(CRASH)
    psutil.Process(info["pid"]).kill()

    def safe() -> dict[str, Any] | None:
        now = run_info(gridbear.data_dir)
        return now if now and now["safe_mode"] else None

    info = wait_for(safe, "a server in safe mode")
    shown = ask(info, "GET", "/api/v1/server")["safe_mode"]
    assert shown == {"on": True, "reason": "Fatal Python error: Segmentation fault"}
    report = (gridbear.data_dir / "logs" / crash_report.FILE_NAME).read_text("utf-8")
    assert "kettle/models.py" in report.replace("\\", "/")

    models.unlink()
    ask(info, "POST", "/api/v1/server/leave-safe-mode")
    after = wait_for(lambda: (now := run_info(gridbear.data_dir)) and not now["safe_mode"] and now, "a start as usual")
    assert after["pid"] == info["pid"]
    assert ask(after, "GET", "/api/v1/server")["safe_mode"] == {"on": False, "reason": ""}
    [row] = ask(after, "GET", "/api/v1/plugins?name=kettle")
    assert row["enabled"] and row["state"] == "on"


def test_a_server_that_ends_as_it_should_leaves_no_report(gridbear: Gridbear) -> None:
    process = gridbear.serve("--port", "0", "--safe")
    assert gridbear.ready(process)["safe_mode"]
    process.terminate()
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 0 and "Safe mode: no plugin" in out
    assert (gridbear.data_dir / "logs" / crash_report.FILE_NAME).read_text("utf-8") == ""


def test_an_error_that_nothing_caught_is_in_the_report_of_its_process(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), crash_report.kept(tmp_path):
        _ = 1 / 0
    assert crash_report.what_failed(tmp_path, os.getpid()) == "ZeroDivisionError: division by zero"
    assert crash_report.what_failed(tmp_path, 1) == ""
    assert crash_report.what_failed(tmp_path / "nowhere", 1) == ""


def test_a_tray_that_crashes_leaves_the_stacks_of_its_threads(tmp_path: Path) -> None:
    crash = (
        "import faulthandler, sys; from pathlib import Path; from gridbear_desktop import crash_report as report\n"
        "with report.kept(Path(sys.argv[1]), report.TRAY_FILE_NAME): faulthandler._sigsegv()"
    )
    process = subprocess.Popen([sys.executable, "-c", crash, str(tmp_path)], stderr=subprocess.DEVNULL)
    assert process.wait(60) != 0
    report = (tmp_path / crash_report.TRAY_FILE_NAME).read_text("utf-8")
    assert report.startswith(f"=== {process.pid} ")
    assert "Segmentation fault" in report and "most recent call first" in report
