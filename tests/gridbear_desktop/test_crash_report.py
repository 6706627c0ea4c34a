"""The report of a crash where it can't be written: the server starts all the same."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from gridbear_desktop import crash_report
from server.errors import GridBearError, StartupError


@pytest.fixture(params=["full", "folder"])
def logs(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder of logs in which no report can be written."""
    report = tmp_path / crash_report.FILE_NAME
    if request.param == "folder":
        report.mkdir()
    elif Path("/dev/full").exists():
        report.symlink_to("/dev/full")
    else:
        pytest.skip("needs a disk that is full")
    return tmp_path


def test_what_can_not_be_written_down_hinders_nothing(logs: Path, caplog: pytest.LogCaptureFixture) -> None:
    done = []
    with caplog.at_level(logging.DEBUG), crash_report.kept(logs):
        done.append("work")
    assert done and "a crash would not be written down" in caplog.text
    # Who starts on a full disk is told that by the server, in one clear line.
    is_full = (logs / crash_report.FILE_NAME).is_symlink()
    assert [record.levelno for record in caplog.records] == [logging.DEBUG if is_full else logging.WARNING]


def test_an_error_stays_what_it_is(logs: Path) -> None:
    with pytest.raises(ZeroDivisionError), crash_report.kept(logs):
        print(1 // 0)


def test_a_good_end_adds_nothing_and_an_error_its_traceback(tmp_path: Path) -> None:
    file = tmp_path / crash_report.FILE_NAME
    with crash_report.kept(tmp_path):
        assert file.read_text().startswith("=== ")
    assert file.read_text() == ""
    with pytest.raises(ZeroDivisionError), crash_report.kept(tmp_path):
        print(1 // 0)
    assert file.read_text().rstrip().endswith("by zero")


def test_an_error_that_a_person_is_told_of_is_no_crash(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), crash_report.kept(tmp_path, told=GridBearError):
        print(1 // 0)
    before = (tmp_path / crash_report.FILE_NAME).read_text()
    with pytest.raises(StartupError), crash_report.kept(tmp_path, told=GridBearError):
        raise StartupError("Port 8088 is in use: choose another.")
    assert (tmp_path / crash_report.FILE_NAME).read_text() == before
