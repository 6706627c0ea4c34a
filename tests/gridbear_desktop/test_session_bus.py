"""Session buses that are none, or do not answer: there is no icon over them, and nothing hangs."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

pytest.importorskip("jeepney", reason="D-Bus is of Linux alone")

from gridbear_desktop import display, session_bus
from gridbear_desktop.session_bus import NoBus, SessionBus


@pytest.mark.parametrize("address", ["unix:path=/no/such/bus", "tcp:host=localhost", "nonsense", ""])
def test_without_a_bus_there_is_no_icon(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(NoBus):
        SessionBus()
    assert display.status_item_tray() is None


def test_a_bus_that_says_nothing_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_bus, "SECONDS", 0.2)
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path / 'silent'}")
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent"))
        silent.listen()
        assert display.status_item_tray() is None


def test_a_bus_that_lets_in_and_says_nothing_more_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_bus, "SECONDS", 0.2)
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path / 'silent'}")
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent"))
        silent.listen()

        def let_in() -> None:
            with silent.accept()[0] as one:
                one.recv(1024)
                one.sendall(b"OK 0123456789abcdef\r\n")
                while one.recv(1024):
                    pass

        thread = threading.Thread(target=let_in)
        thread.start()
        assert display.status_item_tray() is None
        thread.join()
