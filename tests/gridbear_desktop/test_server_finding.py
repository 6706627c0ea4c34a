"""A server that another program starts at the same moment."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from gridbear_desktop import server_finding
from gridbear_desktop.runfile import RunInfo
from gridbear_desktop.server_finding import ServerFinder
from server.data_folder import DataFolder

OTHERS = RunInfo(1, 8088, "127.0.0.1", "http://127.0.0.1:8088", "theirs", "2026-01-02T03:04:05.000Z", "1")


class Ended:
    """A server of ours, which had to give way."""

    pid = 0

    def poll(self) -> int:
        return 2


def finder(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> ServerFinder:
    """One who looks for a server that answers at the fifth look, and waits no time for those of others."""
    looks = itertools.count()
    monkeypatch.setattr(server_finding, "OTHERS_SECONDS", 0.0)
    found = ServerFinder(folder, lambda _: False)
    monkeypatch.setattr(found, "_start", Ended)
    monkeypatch.setattr(found, "running", lambda: OTHERS if next(looks) >= 5 else None)
    return found


def test_the_server_that_holds_the_folder_is_waited_for_like_an_own_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = DataFolder(tmp_path)
    folder.open()
    with folder.lock():
        assert finder(folder, monkeypatch).found() is OTHERS


def test_where_nobody_holds_the_folder_it_is_said_that_none_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = DataFolder(tmp_path)
    folder.open()
    with pytest.raises(OSError, match="did not start"):
        finder(folder, monkeypatch).found()
