"""The launcher's supervision of the server, with real processes and without a tray."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from gridbear_process import Gridbear, run_info, wait_for

from server.secrets.phrase import new_phrase

pytestmark = pytest.mark.slow

# A launcher without a tray: supervises a server on the folder in argv until its stdin ends.
SUPERVISE = """
import sys
from pathlib import Path
from gridbear_desktop.supervisor import Supervisor
from server.data_folder import DataFolder
folder = DataFolder(Path(sys.argv[1]))
folder.open()
supervisor = Supervisor(folder.run, folder.logs, {"data_dir": folder.path, "port": int(sys.argv[2])})
supervisor.start()
for line in sys.stdin:
    if line.strip() == "restart":
        supervisor.restart()
    if line.strip() == "state":
        print(supervisor.state, supervisor.problem, flush=True)
supervisor.stop()
"""


def supervise(gridbear: Gridbear, port: int = 0) -> Any:
    command = [sys.executable, "-c", SUPERVISE, str(gridbear.data_dir), str(port)]
    return gridbear.popen(command, stdin=-1)


def other_server(gridbear: Gridbear, old: dict[str, Any]) -> dict[str, Any] | None:
    info = run_info(gridbear.data_dir)
    return info if info and info["pid"] != old["pid"] else None


def test_a_killed_server_is_started_again(gridbear: Gridbear) -> None:
    supervise(gridbear)
    first = wait_for(lambda: run_info(gridbear.data_dir), "the first server")
    os.kill(first["pid"], signal.SIGKILL)
    wait_for(lambda: other_server(gridbear, first), "the second server")


def test_restart_makes_a_new_server(gridbear: Gridbear) -> None:
    launcher = supervise(gridbear)
    first = wait_for(lambda: run_info(gridbear.data_dir), "the first server")
    launcher.stdin.write("restart\n")
    launcher.stdin.flush()
    wait_for(lambda: other_server(gridbear, first), "the second server")


def test_no_server_outlives_a_killed_launcher(gridbear: Gridbear) -> None:
    launcher = supervise(gridbear)
    info = wait_for(lambda: run_info(gridbear.data_dir), "the server")
    launcher.kill()
    wait_for(lambda: not psutil.pid_exists(info["pid"]), "the end of the server")
    assert not (gridbear.data_dir / "run" / "server.json").exists()


def test_quitting_ends_the_server(gridbear: Gridbear) -> None:
    launcher = supervise(gridbear)
    info = wait_for(lambda: run_info(gridbear.data_dir), "the server")
    launcher.stdin.close()
    assert launcher.wait(10) == 0
    assert not psutil.pid_exists(info["pid"])


def test_a_server_that_cant_start_is_not_tried_again_and_says_why(gridbear: Gridbear) -> None:
    gridbear.data_dir.mkdir()
    (gridbear.data_dir / "gridbear.db").write_bytes(b"This is a shopping list, not a database. " * 100)
    launcher = supervise(gridbear)

    def state() -> str:
        launcher.stdin.write("state\n")
        launcher.stdin.flush()
        return str(launcher.stdout.readline())

    said: str = wait_for(lambda: (line := state()).startswith("error") and line, "the error")
    assert "gridbear.db" in said
    log = (gridbear.data_dir / "logs" / "server.log").read_text("utf-8")
    assert log.count("gridbear.db") == 1


def test_the_trays_backup_is_made_by_the_running_server_and_a_failure_says_why(gridbear: Gridbear) -> None:
    from gridbear_desktop.backup_child import make_backup  # what the tray calls, here in the test's own process

    supervise(gridbear)
    wait_for(lambda: run_info(gridbear.data_dir), "the server")
    made, words = make_backup(gridbear.data_dir)
    assert not made and words.startswith("Nobody has kept a recovery phrase"), (
        "no phrase keeps the secrets of a fresh folder yet"
    )
    keeping = gridbear.popen(
        gridbear.command("secrets", "phrase", "--phrase-stdin", "--data-dir", str(gridbear.data_dir)), stdin=-1
    )
    said, _ = keeping.communicate(f"{new_phrase()}\n", timeout=30)
    assert keeping.returncode == 0, said
    made, words = make_backup(gridbear.data_dir)
    assert made and words.split()[2] in [file.name for file in (gridbear.data_dir / "backups").iterdir()]
    assert not make_backup(gridbear.data_dir / "nothing")[0]


def test_a_second_launch_leaves_a_request_for_the_first(tmp_path: Path, gridbear: Gridbear) -> None:
    from gridbear_desktop.instance import Instance  # the first launch, here in the test's own process

    (gridbear.data_dir / "run").mkdir(parents=True)
    first = Instance(gridbear.data_dir / "run")
    assert first.acquire()
    gridbear.env.update(DISPLAY=":4711", XDG_ACTIVATION_TOKEN="kwin-4711")
    done = gridbear.popen(gridbear.command("--data-dir", str(gridbear.data_dir)))
    assert wait_for(first.take_request, "the request") == "kwin-4711"
    out, _ = done.communicate(timeout=30)
    assert done.returncode == 0 and "running already" in out
    first.release()


def test_window_without_a_server_says_what_to_start(gridbear: Gridbear) -> None:
    done = gridbear.cli("window")
    assert done.returncode == 1
    assert "start one with `gridbear`" in done.stderr


def test_a_run_file_of_a_dead_server_is_no_server(gridbear: Gridbear) -> None:
    run = gridbear.data_dir / "run"
    run.mkdir(parents=True)
    stale = {"pid": 1, "port": 9, "host": "127.0.0.1", "url": "http://127.0.0.1:9", "control_token": "x"}
    (run / "server.json").write_text(json.dumps({**stale, "started_at": "", "version": "0"}), "utf-8")
    done = gridbear.cli("window")
    assert done.returncode == 1
    assert "does not answer" in done.stderr
