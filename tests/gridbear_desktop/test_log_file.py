"""The log of a headless server as a file that is kept small."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from gridbear_process import Gridbear
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser

from gridbear_desktop import log_files
from server import log
from server.config import Settings
from server.errors import StartupError
from server.log import LOG_BYTES, LOG_FILES, configure_logging

WRITER = """
import logging, os, subprocess, sys, threading
from pathlib import Path
from gridbear_desktop import log_files
from server.log import configure_logging

log_files.LOG_BYTES, log_files.LOG_FILES = 20_000, 50
path = Path(sys.argv[1])
configure_logging("INFO", stderr=log_files.of_stderr(path))
child = subprocess.Popen([sys.executable, "-c", "input()\\nfor n in range(300): print(f'<child {n}>', flush=True)"],
                         stdin=subprocess.PIPE)

def write(name):
    for number in range(1000):
        logging.getLogger("bear").info("<%s %s>", name, number)
        if number % 100 == 0:
            os.write(2, f"<raw {name} {number}>\\n".encode())

threads = [threading.Thread(target=write, args=[name]) for name in ("a", "b", "c")]
for one in threads: one.start()
child.communicate(b"\\n")
for one in threads: one.join()
print("<last on stdout>", flush=True)
"""
"""A server under the tray, with a program that has its stderr from before."""


@pytest.fixture(autouse=True)
def logging_stays_as_it_is() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in root.handlers:
        if isinstance(handler, logging.FileHandler):
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_the_log_is_begun_anew_and_few_older_ones_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "LOG_BYTES", 1000)
    configure_logging("INFO", tmp_path / "logs" / "server.log")
    for number in range(200):
        logging.getLogger("bear").info("line %s of many", number)
    logging.getLogger("bear").debug("too quiet")
    files = sorted((tmp_path / "logs").iterdir())
    assert [one.name for one in files] == ["server.log", *(f"server.log.{n}" for n in range(1, LOG_FILES + 1))]
    assert all(one.stat().st_size <= 1000 for one in files)
    assert "line 199 of many" in files[0].read_text("utf-8")
    assert not any("too quiet" in one.read_text("utf-8") for one in files)


@pytest.mark.skipif(sys.platform == "win32", reason="no file that is open can be moved there")
def test_under_the_tray_the_log_is_begun_anew_while_it_is_written_and_no_line_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "server.log"
    with file.open("ab") as output:
        subprocess.run([sys.executable, "-c", WRITER, str(file)], stdout=output, stderr=output, timeout=60, check=True)
    files = sorted(tmp_path.iterdir())
    assert len(files) > 5
    text = "".join(one.read_text("utf-8") for one in files)
    wanted = [f"<{name} {number}>" for name in "abc" for number in range(1000)]
    wanted += [f"<raw {name} {number}>" for name in "abc" for number in range(0, 1000, 100)]
    wanted += [f"<child {number}>" for number in range(300)]
    assert [text.count(line) for line in wanted] == [1] * len(wanted)
    assert file.read_text("utf-8").endswith("<last on stdout>\n") and file.stat().st_size < 21_000


def test_a_log_of_one_process_is_begun_anew_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_files, "LOG_BYTES", 1000)
    handler = log_files.OwnFile(tmp_path / "launcher.log", encoding="utf-8")
    for number in range(600):
        handler.emit(logging.makeLogRecord({"msg": f"line {number}"}))
    handler.close()
    files = sorted(tmp_path.iterdir())
    assert [one.name for one in files] == ["launcher.log", *(f"launcher.log.{n}" for n in range(1, LOG_FILES + 1))]
    assert all(one.stat().st_size < 1020 for one in files)
    lines = [line for one in reversed(files[1:]) for line in one.read_text("utf-8").splitlines()]
    lines += files[0].read_text("utf-8").splitlines()
    assert lines == [f"line {number}" for number in range(600)]


def test_a_log_that_can_not_be_written_is_told_to_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "launcher.log").mkdir()
    handler = log_files.own_log(tmp_path / "launcher.log")
    handler.emit(logging.makeLogRecord({"msg": "what is said"}))
    told = capsys.readouterr().err
    assert "launcher.log" in told and told.endswith("what is said\n")
    other = log_files.own_log(tmp_path / "other.log")
    assert isinstance(other, log_files.OwnFile)
    other.close()


def test_a_log_that_can_not_be_moved_just_now_is_written_on_and_moved_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_files, "LOG_BYTES", 1000)
    moves, held = log_files.rotate, [True]

    def rotate(path: Path) -> None:
        if held[0]:  # as Windows does while somebody reads it
            raise PermissionError(13, "The file is in use")
        moves(path)

    monkeypatch.setattr(log_files, "rotate", rotate)
    handler = log_files.OwnFile(tmp_path / "launcher.log", encoding="utf-8")
    monkeypatch.setattr(handler, "handleError", lambda record: None)
    for number in range(400):
        held[0] = number < 300
        handler.emit(logging.makeLogRecord({"msg": f"line {number}"}))
    handler.close()
    files = sorted(tmp_path.iterdir(), reverse=True)
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
    assert len(files) > 1 and lines == [f"line {number}" for number in range(400)]


def test_a_stderr_that_is_another_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "server.log").write_text("of somebody else", "utf-8")
    assert log_files.of_stderr(tmp_path / "server.log") is None
    assert log_files.of_stderr(tmp_path / "absent.log") is None


def test_another_configuration_lets_the_file_go(tmp_path: Path) -> None:
    configure_logging("INFO", tmp_path / "server.log")
    configure_logging("INFO")
    logging.getLogger("bear").info("for stderr alone")
    assert (tmp_path / "server.log").read_text("utf-8") == ""


def test_a_file_that_cant_be_written_is_named_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file", "utf-8")
    with pytest.raises(StartupError, match="GRIDBEAR_LOG_FILE"):
        configure_logging("INFO", tmp_path / "logs" / "server.log")


@pytest.mark.parametrize("name", ["../server.log", "/etc/log", "a/b", "..", ".hidden", "a b"])
def test_the_log_stays_in_its_folder(name: str) -> None:
    with pytest.raises(StartupError, match="GRIDBEAR_LOG_FILE can't be used"):
        Settings.load({}, env={"GRIDBEAR_LOG_FILE": name})


@pytest.mark.slow
def test_a_headless_server_logs_to_its_file_and_to_stderr(gridbear: Gridbear) -> None:
    gridbear.env["GRIDBEAR_LOG_FILE"] = "headless.log"
    gridbear.env["GRIDBEAR_LOG_LEVEL"] = "DEBUG"
    server = gridbear.serve("--port", "0")
    gridbear.ready(server)
    server.terminate()
    _, err = server.communicate(timeout=30)
    text = (gridbear.data_dir / "logs" / "headless.log").read_text("utf-8")
    assert text and text.splitlines()[-1] in err


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no file that is open can be moved there")
def test_a_server_begins_the_log_anew_that_its_tray_gave_it(gridbear: Gridbear) -> None:
    file = gridbear.data_dir / "logs" / "server.log"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"." * (LOG_BYTES - 2) + b"\n")
    gridbear.env["GRIDBEAR_LOG_LEVEL"] = "DEBUG"
    with file.open("ab") as output:
        server = gridbear.serve("--port", "0", stdout=output, stderr=output)
    gridbear.ready(server)
    server.terminate()
    server.wait(30)
    older = file.with_name("server.log.1").read_text("utf-8").splitlines()
    assert len(older) == 2 and " DEBUG " in older[1]
    assert " DEBUG " in file.read_text("utf-8")


def test_a_form_that_can_not_be_read_writes_nothing_in_the_log(tmp_path: Path) -> None:
    """Whoever is not signed in can send one, as often as they like."""
    configure_logging("INFO", tmp_path / "server.log")
    parser = MultipartParser("x")
    with pytest.raises(MultipartParseError):
        parser.write(b"no form at all")
    assert (tmp_path / "server.log").read_text("utf-8") == ""
