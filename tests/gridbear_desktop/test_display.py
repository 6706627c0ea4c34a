"""Is there a display."""

from __future__ import annotations

import pytest

from gridbear_desktop.display import has_display


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
