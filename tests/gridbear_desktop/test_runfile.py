"""run/server.json."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from gridbear_desktop import runfile
from gridbear_desktop.runfile import RunInfo

INFO = RunInfo(
    pid=4711,
    port=8088,
    host="127.0.0.1",
    url="http://127.0.0.1:8088",
    control_token="secret",
    started_at="2026-01-02T03:04:05+00:00",
    version="0.1.0",
)


@pytest.mark.parametrize("content", [None, "", "{", '{"pid": 7}', '{"pid": 8, "text": "x"}', "[]"])
def test_an_upgrade_is_only_what_the_asked_process_says(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / runfile.UPGRADE_FILE_NAME).write_text(content, "utf-8")
    assert runfile.upgrading(tmp_path, 7) == ""
    (tmp_path / runfile.UPGRADE_FILE_NAME).write_text('{"pid": 7, "text": "Upgrading"}', "utf-8")
    assert runfile.upgrading(tmp_path, 7) == "Upgrading"


def test_it_is_there_while_the_server_runs_and_gone_afterwards(tmp_path: Path) -> None:
    with runfile.written(tmp_path, INFO):
        assert runfile.read(tmp_path) == INFO
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    with runfile.written(tmp_path, INFO):
        assert stat.S_IMODE((tmp_path / runfile.FILE_NAME).stat().st_mode) == 0o600


def test_a_stale_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / runfile.FILE_NAME).write_text("{", "utf-8")
    with runfile.written(tmp_path, INFO):
        assert runfile.read(tmp_path) == INFO


def test_the_file_of_a_later_server_is_left_alone(tmp_path: Path) -> None:
    later = replace(INFO, pid=4712)
    with runfile.written(tmp_path, INFO), runfile.written(tmp_path, later):
        pass
    assert runfile.read(tmp_path) is None
    with runfile.written(tmp_path, later):
        with runfile.written(tmp_path, INFO):
            (tmp_path / runfile.FILE_NAME).write_text(
                (tmp_path / runfile.FILE_NAME).read_text("utf-8").replace("4711", "4712"), "utf-8"
            )
        assert runfile.read(tmp_path) == later


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"pid": 1}', "\x00"])
def test_a_file_that_is_not_whole_is_no_server(tmp_path: Path, content: str) -> None:
    (tmp_path / runfile.FILE_NAME).write_text(content, "utf-8")
    assert runfile.read(tmp_path) is None
