"""One tray per data folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridbear_desktop.instance import Instance, is_any


def test_a_second_one_is_refused_and_can_ask_the_first(tmp_path: Path) -> None:
    first, second = Instance(tmp_path), Instance(tmp_path)
    assert first.acquire()
    assert not second.acquire()
    assert first.take_request() is None
    second.ask_to_show()
    assert first.take_request() == ""
    assert first.take_request() is None
    first.release()


def test_the_place_is_free_again_afterwards(tmp_path: Path) -> None:
    first, second = Instance(tmp_path), Instance(tmp_path)
    assert first.acquire()
    first.release()
    assert second.acquire()
    second.release()


def test_one_that_asks_is_heard_by_a_tray_that_goes_on_and_takes_the_place_of_one_that_ends(tmp_path: Path) -> None:
    first, second = Instance(tmp_path), Instance(tmp_path)
    assert first.acquire() and not second.acquire()
    second.ask_to_show()
    assert not second.takes_its_place(0.0), "a busy tray will find it"
    first.take_request()
    assert not second.takes_its_place()
    second.ask_to_show()
    first.release()
    assert second.takes_its_place(), "the first has ended without a look at it"
    assert second.take_request() is None and not first.acquire()
    second.release()


def test_a_guest_that_asks_its_own_tray_takes_the_place_of_that_alone(tmp_path: Path) -> None:
    first, guest, again = Instance(tmp_path, ":0"), Instance(tmp_path, ":1"), Instance(tmp_path, ":1")
    assert first.acquire() and guest.acquire() and not again.acquire()
    again.ask_to_show()
    guest.release()
    assert again.takes_its_place() and again.is_guest()
    again.release()
    first.release()


def test_an_old_request_does_not_open_a_window_at_the_next_start(tmp_path: Path) -> None:
    instance = Instance(tmp_path)
    instance.ask_to_show()
    assert instance.acquire()
    assert instance.take_request() is None
    instance.release()


@pytest.mark.parametrize(("given", "taken"), [("kwin-4711", "kwin-4711"), ("x" * 501, ""), ("a\nb", ""), ("\x00", "")])
def test_the_leave_of_a_second_launch_to_come_to_the_front_reaches_the_first(
    tmp_path: Path, given: str, taken: str
) -> None:
    first = Instance(tmp_path)
    assert first.acquire()
    Instance(tmp_path).ask_to_show(given)
    assert first.take_request() == taken
    assert sorted(one.name for one in tmp_path.iterdir()) == ["launcher.lock"]
    (tmp_path / "show").write_bytes(b"\xff\xfe")
    assert first.take_request() is not None
    first.release()


def test_each_login_of_a_person_has_a_tray_and_all_but_the_first_are_guests(tmp_path: Path) -> None:
    first, guest = Instance(tmp_path, ":0"), Instance(tmp_path, ":1")
    assert first.acquire() and guest.acquire()
    assert (first.is_guest(), guest.is_guest()) == (False, True)
    again = Instance(tmp_path, ":1")
    assert not again.acquire()
    again.ask_to_show("kwin-1")
    assert first.take_request() is None and guest.take_request() == "kwin-1"
    assert not Instance(tmp_path).acquire(), "whose login is not known is of the first"
    first.release()
    assert not guest.is_guest(), "it has come to be the first"
    assert not Instance(tmp_path, ":1").acquire()
    back = Instance(tmp_path, ":0")
    assert back.acquire() and back.is_guest()
    back.release()
    guest.release()
    assert Instance(tmp_path, ":2").acquire()


def test_a_tray_is_seen_whatever_login_it_is_of(tmp_path: Path) -> None:
    assert not is_any(tmp_path / "never used") and not is_any(tmp_path)
    first, guest = Instance(tmp_path, ":0"), Instance(tmp_path, ":1")
    assert first.acquire() and guest.acquire() and is_any(tmp_path)
    first.release()
    assert is_any(tmp_path), "the guest has not noticed yet that it is the first"
    assert not guest.is_guest() and is_any(tmp_path)
    guest.release()
    assert not is_any(tmp_path)


def test_a_request_that_can_not_be_taken_yet_is_taken_at_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows while the process that asks still has the file open: the tray goes on looking."""
    first, second = Instance(tmp_path), Instance(tmp_path)
    assert first.acquire() and not second.acquire()
    second.ask_to_show("a-token")

    def held(_path: Path) -> None:
        raise PermissionError(13, "in use")

    with monkeypatch.context() as windows:
        windows.setattr(Path, "unlink", held)
        assert first.take_request() is None
    assert first.take_request() == "a-token"
    first.release()


def test_a_full_disk_does_not_keep_the_tray_from_starting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path, *_given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    tray = Instance(tmp_path, ":0")
    assert tray.acquire()
    tray.release()
