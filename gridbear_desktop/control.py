"""Talks to the running server with its control token: is it there, and a one-time login for the window."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from gridbear_desktop.runfile import RunInfo
from server.certificates import opener_for

TIMEOUT_SECONDS = 5.0


def answers(info: RunInfo) -> bool:
    """Whether the server that wrote `info` answers."""
    try:
        with opener_for(info.certificate).open(f"{info.url}/healthz", timeout=TIMEOUT_SECONDS) as reply:
            return bool(reply.status == 200)
    except (OSError, ValueError):
        return False


def is_of(info: RunInfo) -> bool:
    """Whether the server that wrote `info` answers there: another one does not know its token."""
    try:
        login_url(info)
    except (OSError, ValueError):
        return False
    return True


def login_url(info: RunInfo) -> str:
    """An address that signs in once, within 30 s, from this computer. Raises OSError or ValueError otherwise."""
    request = urllib.request.Request(
        f"{info.url}/_desktop/ticket",
        data=b"",
        method="POST",
        headers={"Authorization": f"Bearer {info.control_token}"},
    )
    with opener_for(info.certificate).open(request, timeout=TIMEOUT_SECONDS) as reply:
        body: Any = json.load(reply)
    try:
        return info.url + str(body["data"]["path"])
    except (KeyError, TypeError):
        raise OSError("the server's answer holds no ticket") from None
