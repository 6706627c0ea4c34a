"""`gridbear data move` with a real server: it moves itself, goes on at its address, and its old place leads on."""

from __future__ import annotations

import contextlib
import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from gridbear_process import Gridbear, run_info, wait_for

from gridbear_desktop.supervisor import Supervisor
from server.data_folder import DataFolder

pytestmark = pytest.mark.slow


def asked(info: dict[str, Any], path: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {info['control_token']}"}
    with urllib.request.urlopen(urllib.request.Request(info["url"] + path, headers=headers), timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def test_a_running_server_moves_and_goes_on_where_it_was_reached(gridbear: Gridbear, tmp_path: Path) -> None:
    old, new = gridbear.data_dir, tmp_path / "other disk" / "bear"
    server = gridbear.serve()
    before = gridbear.ready(server)
    gridbear.create_user("maja")
    refused = gridbear.cli("data", "move", str(old / "inside"), "--yes")
    assert refused.returncode == 1 and "inside each other" in refused.stderr
    looked = gridbear.cli("data", "move", str(new), "--dry-run", "--json")
    assert json.loads(looked.stdout)["moved"] is False and not new.exists()

    done = gridbear.cli("data", "move", str(new), "--yes")
    assert done.returncode == 0, done.stderr
    after = run_info(new)
    assert after is not None and server.poll() is None
    assert (after["pid"], after["port"]) == (before["pid"], before["port"])
    assert not (old / "run" / "server.json").exists()
    assert (old / "gridbear.db").exists(), "the old one is kept until the next good start"
    shown = asked(after, "/api/v1/server/data-folder")["data"]
    assert shown["path"] == str(new) and shown["former"] == [str(old)] and shown["last_problem"] is None
    # The commands still name the old place.
    assert "maja" in gridbear.cli("user", "list").stdout
    again = gridbear.serve("--port", "0")
    assert again.wait(60) == 2

    server.terminate()
    server.wait(30)
    assert "maja" in gridbear.cli("user", "list").stdout
    gridbear.data_dir = new
    next_one = gridbear.serve("--data-dir", str(old))
    gridbear.ready(next_one)
    wait_for(lambda: [one.name for one in old.iterdir()] == ["moved-to.json"], "the old files being removed")
    assert "maja" in gridbear.cli("user", "list").stdout


def test_a_move_that_fails_leaves_the_server_where_it_was_and_says_why(gridbear: Gridbear, tmp_path: Path) -> None:
    new = tmp_path / "new"
    info = gridbear.ready(gridbear.serve("--port", "0"))
    # As if the place was taken between the plan and the move.
    (gridbear.data_dir / "run" / "move.json").write_text(json.dumps({"to": str(new)}), "utf-8")
    new.mkdir()
    (new / "letter.txt").write_text("mine", "utf-8")
    request = urllib.request.Request(
        info["url"] + "/api/v1/server/restart", b"{}", {"Authorization": f"Bearer {info['control_token']}"}
    )
    urllib.request.urlopen(request, timeout=10).close()

    def told() -> Any:
        now = run_info(gridbear.data_dir)
        # The one that was asked to restart may end in the middle of its answer.
        with contextlib.suppress(OSError):
            return now and asked(now, "/api/v1/server/data-folder")["data"]["last_problem"]
        return None

    problem = wait_for(told, "the reason")
    assert problem["to"] == str(new) and "not empty" in problem["problem"]
    assert [one.name for one in new.iterdir()] == ["letter.txt"]


def test_a_stopped_folder_moves_by_the_command_alone(gridbear: Gridbear, tmp_path: Path) -> None:
    gridbear.create_user("maja", role="member")
    done = gridbear.cli("data", "move", str(tmp_path / "new"), "--yes", "--json")
    told = json.loads(done.stdout)
    assert told["moved"] is True and told["to"] == str(tmp_path / "new")
    assert "maja" in gridbear.cli("user", "list").stdout
    where = json.loads(gridbear.cli("data", "show", "--json").stdout)
    assert where["path"] == str(tmp_path / "new") and where["former"] == [str(gridbear.data_dir)]


def test_the_tray_goes_on_with_its_server_in_the_new_place(tmp_path: Path) -> None:
    folder, new = DataFolder(tmp_path / "data"), tmp_path / "new"
    folder.open()
    supervisor = Supervisor(folder.run, folder.logs, {"data_dir": folder.path, "port": 0})
    supervisor.start()
    try:
        assert supervisor.wait_until_settled(60) == "running"
        before = supervisor.info
        assert before is not None
        body = json.dumps({"to": str(new)}).encode()
        headers = {"Authorization": f"Bearer {before.control_token}", "Content-Type": "application/json"}
        move = urllib.request.Request(f"{before.url}/api/v1/server/data-folder/move", body, headers)
        urllib.request.urlopen(move, timeout=10).close()
        wait_for(lambda: run_info(new), "the server in its new place")
        after = supervisor.info
        assert supervisor.state == "running" and after is not None
        assert (after.pid, after.url) == (before.pid, before.url)
        assert after.control_token != before.control_token
        assert supervisor.run_folder == new / "run" and supervisor.log_path == new / "logs" / "server.log"
        supervisor.restart()
        wait_for(lambda: (now := supervisor.info) and now.pid != before.pid, "another server")
        wait_for(
            lambda: [one.name for one in folder.path.iterdir()] == ["moved-to.json"], "the old files being removed"
        )
    finally:
        supervisor.stop()
