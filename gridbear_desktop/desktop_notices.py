"""Notifications on the desktop: the tray follows those of whom this computer belongs to, and shows the new ones."""

from __future__ import annotations

import json
import logging
import threading
import urllib.request
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPException
from typing import Any

from gridbear_desktop.runfile import RunInfo
from server.certificates import opener_for

STREAM_SECONDS = 40.0
"""The server sends something at least every 15 s; after this long without it is gone."""
ANSWER_SECONDS = 10.0
AGAIN_SECONDS = 3.0
SHOWN_AT_ONCE = 3
"""More than these at a time are told by their number."""
PREFERENCE = "notifications.desktop"
"""False for who wants none here."""

log = logging.getLogger(__name__)


def page_of(link: str | None) -> str:
    """The page of GridBear that a notification's link names, else "": a notice opens nothing from elsewhere."""
    return link[1:] if link and link.startswith("#/") else ""


class DesktopNotices:
    """Ask with the control token, so the window need not be open. What was there before the tray is not told again."""

    def __init__(
        self, server: Callable[[], RunInfo | None], show: Callable[[str, str, str], None], ending: threading.Event
    ) -> None:
        """`server` is the running one, None while there is none; `show` gets title and text of a notice, and the page
        that it leads to.
        """
        self._server = server
        self._show = show
        self._ending = ending
        self._last: int | None = None

    def follow(self) -> None:
        """Until `ending`: for a thread of its own, which dies with its process."""
        while not self._ending.is_set():
            info = self._server()
            if info is not None:
                try:
                    self._follow(info)
                except (OSError, HTTPException, ValueError, LookupError, TypeError) as error:
                    # The server ends, restarts or is too busy: all of that has its own words elsewhere.
                    log.debug("notifications are not followed: %s", error)
            self._ending.wait(AGAIN_SECONDS)

    def _follow(self, info: RunInfo) -> None:
        # The stream is opened first: nothing happens unseen between the look and it.
        with closing(self._open(info, "events?models=notifications", STREAM_SECONDS)) as stream:
            person = self._rows(info, "users?role=admin&is_active=true&sort=id&limit=1&fields=id")
            if not person:
                return
            owner = int(person[0]["id"])
            newest = self._rows(info, f"notifications?owner_id={owner}&sort=-id&limit=1&fields=id")
            last = int(newest[0]["id"]) if newest else 0
            # After a restore the numbers begin where the backup ended.
            self._last = last if self._last is None else min(self._last, last)
            self._tell_new(info, owner)
            for line in stream:
                if self._ending.is_set():
                    return
                if line.startswith(b"data:"):
                    self._tell_new(info, owner)

    def _tell_new(self, info: RunInfo, owner: int) -> None:
        query = (
            f"owner_id={owner}&is_read=false&id__gt={self._last}&sort=id&limit=100&fields=id,title,message,action_url"
        )
        new = self._rows(info, f"notifications?{query}")
        if not new:
            return
        self._last = int(new[-1]["id"])
        wish = self._rows(info, f"preferences?owner_id={owner}&key={PREFERENCE}&limit=1&fields=value")
        if wish and wish[0]["value"] is False:
            return
        if len(new) > SHOWN_AT_ONCE:
            self._show(f"{len(new)} new notifications", str(new[-1]["title"]), "")
            return
        for row in new:
            self._show(str(row["title"]), str(row["message"] or ""), page_of(row["action_url"]))

    def _rows(self, info: RunInfo, path: str) -> list[dict[str, Any]]:
        with closing(self._open(info, path, ANSWER_SECONDS)) as answer:
            rows: list[dict[str, Any]] = json.load(answer)["data"]
            return rows

    def _open(self, info: RunInfo, path: str, seconds: float) -> Any:
        headers = {"Authorization": f"Bearer {info.control_token}"}
        request = urllib.request.Request(f"{info.url}/api/v1/{path}", headers=headers)
        return opener_for(info.certificate).open(request, timeout=seconds)
