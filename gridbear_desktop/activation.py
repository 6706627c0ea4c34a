"""Leave to come to the front, which a desktop gives with a click: a token of xdg-activation, or the id of a start."""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from typing import Any

TOKEN, STARTUP_ID = "XDG_ACTIVATION_TOKEN", "DESKTOP_STARTUP_ID"
"""What toolkits look for when they show their first window."""
LONGEST = 500


def is_token(text: str) -> bool:
    """Whether `text` may be one: no more is known of what it looks like."""
    return 0 < len(text) <= LONGEST and text.isprintable()


def taken(env: MutableMapping[str, str]) -> str:
    """The token that this process was started with, "" where there is none.

    It is good for one window, and nothing that is started later may find it.
    """
    given = [env.pop(name, "") for name in (TOKEN, STARTUP_ID)]
    return next((one for one in given if is_token(one)), "")


def variables(token: str) -> dict[str, str]:
    """The environment that hands `token` to a process whose window is to come to the front."""
    return {TOKEN: token, STARTUP_ID: token} if is_token(token) else {}


def hand_over(window: Any, token: str, env: MutableMapping[str, str]) -> None:
    """Let the next call that brings `window`, one of pywebview's, to the front use `token`."""
    if sys.platform != "linux" or not is_token(token):
        return
    # Qt looks there each time.
    env[TOKEN] = token
    if hasattr(window.native, "set_startup_id"):
        from gi.repository import GLib  # of the system; there whenever a window is GTK's

        GLib.idle_add(window.native.set_startup_id, token)
