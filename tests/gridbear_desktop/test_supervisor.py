"""The log that the supervisor rotates; its work with processes is in test_launcher."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from gridbear_desktop import supervisor
from gridbear_desktop.log_files import LOG_BYTES, LOG_FILES, SERVER_LOG, rotate
from gridbear_desktop.supervisor import Supervisor

UPGRADING_SERVER = """
import json, os, sys, time
run = sys.argv[1]
with open(run + "/upgrading.json", "w") as file:
    json.dump({"pid": os.getpid(), "text": "Upgrading: half"}, file)
while not os.path.exists(run + "/enough"):
    time.sleep(0.02)
os.unlink(run + "/upgrading.json")
time.sleep(60)
"""

FAILING_SERVER = """
import json, os, sys
told = {"safe": "--safe" in sys.argv, "reason": os.environ.get("GRIDBEAR_SAFE_MODE_REASON", "")}
with open(sys.argv[1] + "/starts", "a") as file:
    file.write(json.dumps(told) + "\\n")
print("first", "second", "no honey left", sep="\\n", flush=True)
sys.exit(1)
"""


def starts(folder: Path) -> list[tuple[bool, str]]:
    """Each start of the failing server: whether it was in safe mode, and what it was told of the one before."""
    lines = [json.loads(line) for line in (folder / "starts").read_text("utf-8").splitlines()]
    return [(line["safe"], line["reason"]) for line in lines]


@pytest.mark.parametrize("held", ["log", "rotation"])
def test_a_log_that_can_not_be_written_or_moved_keeps_no_server_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: str
) -> None:
    failed = threading.Semaphore(0)

    def changed() -> None:
        if server.state == "error":
            failed.release()

    def moves_nothing(path: Path) -> None:
        raise PermissionError(13, "The file is in use")

    (tmp_path / "logs").mkdir()
    if held == "log":
        (tmp_path / "logs" / SERVER_LOG).mkdir()
    else:
        monkeypatch.setattr(supervisor, "rotate", moves_nothing)
    command = [sys.executable, "-c", FAILING_SERVER, str(tmp_path)]
    server = Supervisor(tmp_path, tmp_path / "logs", {}, changed, command)
    server.start()
    try:
        assert failed.acquire(timeout=60), "it was started, and its end was seen"
        assert starts(tmp_path)[0] == (False, "")
        assert server.problem == ("no honey left" if held == "rotation" else "the server ended with exit code 1")
    finally:
        server.stop()


def test_a_program_that_is_gone_is_told_and_started_once_it_is_back(tmp_path: Path) -> None:
    changes = threading.Semaphore(0)
    (tmp_path / "logs").mkdir()
    command = [str(tmp_path / "gone"), FAILING_SERVER, str(tmp_path)]
    server = Supervisor(tmp_path, tmp_path / "logs", {}, lambda: changes.release(), command)

    def until(there: Callable[[], bool]) -> None:
        while not there():
            assert changes.acquire(timeout=60)

    server.start()
    try:
        until(lambda: server.state == "error")
        assert server.gave_up and "can't be started" in server.problem and "gone" in server.problem
        server._command = [sys.executable, "-c", FAILING_SERVER, str(tmp_path)]
        server.restart()
        until(lambda: (tmp_path / "starts").exists() and server.problem == "no honey left")
    finally:
        server.stop()


@pytest.mark.slow
def test_the_third_start_is_safe_and_after_five_a_person_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_DELAY_SECONDS", 0.01)
    monkeypatch.setattr(supervisor, "LONGEST_DELAY_SECONDS", 0.04)
    given_up = threading.Semaphore(0)

    def changed() -> None:
        if server.state == "stopped":
            given_up.release()

    (tmp_path / "logs").mkdir()
    command = [sys.executable, "-c", FAILING_SERVER, str(tmp_path)]
    server = Supervisor(tmp_path, tmp_path / "logs", {}, changed, command)
    server.start()
    try:
        assert given_up.acquire(timeout=60)
        reason = "no honey left"
        expected = [(False, ""), (False, ""), (True, reason), (True, reason), (True, reason)]
        assert starts(tmp_path) == expected
        assert (server.wait_until_settled(1), server.problem) == ("stopped", reason)
        assert server.last_lines == ["first", "second", reason]
        told = [record.args for record in caplog.records if "starting it again" in record.msg]
        assert told == [(1, 0.01), (1, 0.02), (1, 0.04), (1, 0.04)], "each wait is longer, up to the longest"
        server.restart()
        assert given_up.acquire(timeout=60)
        assert starts(tmp_path)[5:] == expected
    finally:
        server.stop()


@pytest.mark.slow
def test_a_server_that_upgrades_has_all_the_time_it_wants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "START_SECONDS", 0.5)
    changes: list[tuple[str, str]] = []
    ended = threading.Event()

    def changed() -> None:
        changes.append((server.state, server.upgrade))
        if server.state == "error":
            ended.set()

    (tmp_path / "logs").mkdir()
    command = [sys.executable, "-c", UPGRADING_SERVER, str(tmp_path)]
    server = Supervisor(tmp_path, tmp_path / "logs", {}, changed, command)
    server.start()
    try:
        assert not ended.wait(1.5)
        assert changes == [("starting", ""), ("starting", "Upgrading: half")]
        (tmp_path / "enough").touch()
        assert ended.wait(30)
        assert changes[2] == ("starting", "")
    finally:
        server.stop()


def test_a_small_or_missing_log_stays(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    rotate(log)
    log.write_bytes(b"line\n")
    rotate(log)
    assert [path.name for path in tmp_path.iterdir()] == ["server.log"]


def test_large_logs_move_on_and_the_oldest_goes(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    for number in range(LOG_FILES + 3):
        log.write_bytes(str(number).encode() * LOG_BYTES)
        rotate(log)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"server.log.{number}" for number in range(1, LOG_FILES + 1)]
    assert (tmp_path / "server.log.1").read_bytes()[:1] == str(LOG_FILES + 2).encode()
