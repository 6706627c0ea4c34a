"""Is there a display, and a tray on it."""

from __future__ import annotations

import socket
import threading

import pytest

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


X11_PORT = 6000


def test_a_display_that_hangs_up_has_no_tray(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as display:
        monkeypatch.setenv("DISPLAY", f"127.0.0.1:{display.getsockname()[1] - X11_PORT}")

        def hang_up() -> None:
            display.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        assert not has_embedding_tray()
        thread.join()
