"""One tray per data folder."""

from __future__ import annotations

from pathlib import Path

from gridbear_desktop.instance import Instance


def test_a_second_one_is_refused_and_can_ask_the_first(tmp_path: Path) -> None:
    first, second = Instance(tmp_path), Instance(tmp_path)
    assert first.acquire()
    assert not second.acquire()
    assert not first.take_request()
    second.ask_to_show()
    assert first.take_request()
    assert not first.take_request()
    first.release()


def test_the_place_is_free_again_afterwards(tmp_path: Path) -> None:
    first, second = Instance(tmp_path), Instance(tmp_path)
    assert first.acquire()
    first.release()
    assert second.acquire()
    second.release()


def test_an_old_request_does_not_open_a_window_at_the_next_start(tmp_path: Path) -> None:
    instance = Instance(tmp_path)
    instance.ask_to_show()
    assert instance.acquire()
    assert not instance.take_request()
    instance.release()
