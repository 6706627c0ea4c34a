"""What the window is told while the server starts, and the address that it gets then."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from gridbear_process import wait_for
from noting_window import Notes, notes_in, program

from gridbear_desktop import window_child, window_keeper
from gridbear_desktop.runfile import RunInfo
from gridbear_desktop.supervisor import Supervisor
from gridbear_desktop.window_keeper import WindowKeeper

URL = "http://127.0.0.1:8088"


@dataclass
class Server:
    """What a window wants to know of a supervisor."""

    log_path: Path
    gave_up: bool = False
    upgrade: str = ""
    problem: str = ""
    info: Any = None


@pytest.fixture
def server(tmp_path: Path) -> Server:
    (tmp_path / "server.log").write_text("\n".join(f"line {number}" for number in range(40)), "utf-8")
    return Server(tmp_path / "server.log")


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Notes:
    monkeypatch.setattr(window_child, "program", lambda: [sys.executable, "-c", program(tmp_path)])
    return notes_in(tmp_path)


@pytest.fixture
def keeper(server: Server, notes: Notes, tmp_path: Path) -> Iterator[WindowKeeper]:
    kept = WindowKeeper(
        tmp_path, cast(Supervisor, server), lambda: f"{URL}/_desktop/login?t=x" if server.info else None, lambda: None
    )
    yield kept
    kept.end()


def runs(host: str = "127.0.0.1") -> RunInfo:
    return RunInfo(pid=1, port=8088, host=host, url=URL, control_token="x", started_at="", version="0")


def told(notes: Notes, count: int) -> list[dict[str, Any]]:
    """The first `count` orders of all windows."""
    orders: list[dict[str, Any]] = wait_for(
        lambda: len(now := [one for one in notes() if "started_with" not in one]) >= count and now, "the order"
    )
    return orders


def test_each_stage_of_a_start_is_told_once(keeper: WindowKeeper, server: Server, notes: Notes) -> None:
    keeper.show()
    keeper.tend()
    server.problem = "no honey left"
    keeper.tend()
    server.upgrade = "Upgrading: half"
    keeper.tend()
    keeper.tend()
    server.upgrade, server.gave_up = "", True
    keeper.tend()
    stages = [one["wait"] for one in told(notes, 4)]
    assert [stage["title"] for stage in stages] == [
        "GridBear is starting", "GridBear is starting again", "GridBear is starting", "GridBear could not start",
    ]  # fmt: skip
    assert "no honey left" in stages[1]["stage"] and stages[2]["stage"] == "Upgrading: half"
    assert stages[3]["stage"].startswith("no honey left. Restart the server")
    # Whoever can only wait is not shown a log; after ten seconds, and where nothing more comes, it helps.
    assert [len(stage["lines"]) for stage in stages] == [0, 0, 0, window_keeper.LINES_SHOWN]
    assert stages[3]["lines"][-1] == "line 39"


def test_a_start_that_takes_long_shows_the_end_of_the_log(
    keeper: WindowKeeper, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper.show()
    assert told(notes, 1)[0]["wait"]["lines"] == []
    monkeypatch.setattr(window_keeper, "LOG_AFTER_SECONDS", -1.0)
    keeper.tend()
    lines = told(notes, 2)[1]["wait"]["lines"]
    assert lines == [f"line {number}" for number in range(40 - window_keeper.LINES_SHOWN, 40)]


def test_the_address_is_given_once_with_the_page_that_was_wanted(
    keeper: WindowKeeper, server: Server, notes: Notes
) -> None:
    keeper.show()
    keeper.show("/settings/about")
    server.info = runs()
    keeper.tend()
    keeper.tend()
    keeper.show()
    wait, show, opened, again = told(notes, 4)
    assert "wait" in wait and (show["show"], show["page"]) == (True, "/settings/about")
    assert opened == {"open": f"{URL}/_desktop/login?t=x#/settings/about"} and again["show"] is True
    assert len(notes()) == 5, "one window"


def test_two_threads_that_tend_it_at_once_give_the_address_once(server: Server, notes: Notes, tmp_path: Path) -> None:
    """As where somebody clicks on the icon while the server becomes ready."""
    meanwhile: list[Any] = []

    def login() -> str:
        if meanwhile:
            meanwhile.pop()()
        return f"{URL}/_desktop/login?t=x"

    keeper = WindowKeeper(tmp_path, cast(Supervisor, server), login, lambda: None)
    keeper.show()
    server.info = runs("192.0.2.7")
    meanwhile.append(keeper.tend)
    keeper.tend()
    keeper.show()
    assert [list(one)[0] for one in told(notes, 3)] == ["wait", "open", "show"]
    assert len([one for one in notes() if "started_with" in one]) == 2
    keeper.end()


def test_a_window_that_waited_is_replaced_where_the_server_is_at_another_address(
    keeper: WindowKeeper, server: Server, notes: Notes
) -> None:
    keeper.show()
    server.info = runs("192.0.2.7")
    keeper.tend()
    assert "open" in told(notes, 2)[1]
    assert len([one for one in notes() if "started_with" in one]) == 2


def test_an_ended_window_is_told_once_and_the_next_is_another(keeper: WindowKeeper, notes: Notes) -> None:
    assert keeper.ended() is None and not keeper.is_there
    keeper.show()
    assert keeper.ended() is None and keeper.is_there
    keeper.end()
    ended = keeper.ended()
    assert ended is not None and ended.trouble() == "" and keeper.ended() is None and not keeper.is_there
    keeper.show()
    wait_for(lambda: len([one for one in notes() if "started_with" in one]) == 2, "another window")
