"""Is there a display, and a tray on it."""

from __future__ import annotations

import socket
import threading

import pytest

from gridbear_desktop import display
from gridbear_desktop.display import has_display, has_embedding_tray


@pytest.mark.parametrize(
    ("env", "platform", "expected"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ""}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({}, "darwin", True),
        ({}, "win32", True),
    ],
)
def test_a_display_is_found_by_its_variable_or_platform(env: dict[str, str], platform: str, expected: bool) -> None:
    assert has_display(env, platform) is expected


@pytest.mark.parametrize(
    ("panel", "drawn", "chosen"),
    [
        ([True], None, "status-item"),
        ([False, True], "gtk", "status-item"),
        ([False, False], "gtk", "gtk"),
        ([False], None, None),
    ],
)
def test_a_panel_that_comes_while_others_are_asked_gets_the_icon_itself(
    monkeypatch: pytest.MonkeyPatch, panel: list[bool], drawn: str | None, chosen: str | None
) -> None:
    there = iter(panel)
    monkeypatch.setattr(display, "status_item_tray", lambda: "status-item" if next(there) else None)
    monkeypatch.setattr(display, "_gtk_tray", lambda: drawn)
    monkeypatch.setattr(display, "_qt_tray", lambda: drawn)
    assert display.tray_backend("linux") == chosen
    assert not list(there)


X11_PORT = 6000


def test_a_display_that_hangs_up_has_no_tray(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("DISPLAY", f"127.0.0.1:{listener.getsockname()[1] - X11_PORT}")

        def hang_up() -> None:
            listener.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        assert not has_embedding_tray()
        thread.join()
