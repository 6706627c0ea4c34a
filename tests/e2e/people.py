"""The people of the page tests: their password, and pages on which one of them is signed in."""

from __future__ import annotations

from demo_data import sign_in
from playwright.sync_api import Browser
from server_process import RunningServer
from watched_page import Documented, Watched

PASSWORD = "a calm bear in a den"


def cookies_of(server: RunningServer, name: str) -> dict[str, str]:
    """Those of a new session."""
    with sign_in(server.url, name, PASSWORD) as client:
        return dict(client.cookies)


def signed_in(browser: Browser, server: RunningServer, name: str, theme: str = "light", width: int = 1280) -> Watched:
    """A page of `name`, nothing opened yet."""
    return Watched(browser, server.url, theme, width, cookies_of(server, name))


def documented_by(server: RunningServer) -> Documented:
    """What the server says of its API to its admin maja."""
    with sign_in(server.url, "maja", PASSWORD) as client:
        return Documented(client.get("/api/openapi.json").json())
