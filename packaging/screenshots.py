"""Draws the pictures of the docs: starts a server with demo data and photographs its pages with Chromium."""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
PASSWORD = "a calm bear in a den"
SECRET = "screenshots-internal-secret"
# file, path below the base, what must be seen first, theme, width
PICTURES = [
    ("home.png", "/", ".server summary", "light", 1280),
    ("home-dark.png", "/", ".server summary", "dark", 1280),
    ("data.png", "/#/data/notes?record=3", "#field-title", "light", 1280),
    ("data-phone.png", "/#/data/notes", ".card-rows li", "light", 390),
]


def draw(browser: Any, server: Any, cookies: dict[str, str], watched_page: Any) -> None:
    for name, path, ready, theme, width in [("sign-in.png", "/auth/login", "#username", "light", 1280), *PICTURES]:
        watched = watched_page.Watched(browser, server.url, theme, width, None if name == "sign-in.png" else cookies)
        watched.open(path, ready)
        watched.page.screenshot(path=IMAGES / name)
        watched.close()
        print(f"docs/images/{name}")


def main() -> None:
    # The helpers live with the browser tests, which are no package.
    sys.path.insert(0, str(ROOT / "tests" / "e2e"))
    demo_data, server_process, watched_page = (
        importlib.import_module(name) for name in ("demo_data", "server_process", "watched_page")
    )
    if not watched_page.CHROMIUM:
        sys.exit("No Chromium found. Install it, or name one in GRIDBEAR_CHROMIUM.")
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        server_process.RunningServer(Path(folder) / "data", {"INTERNAL_API_SECRET": SECRET}) as server,
        watched_page.open_browser() as browser,
    ):
        server.create_user("maja", PASSWORD, admin=True)
        with demo_data.sign_in(server.url, "maja", PASSWORD) as client:
            demo_data.fill(client, SECRET)
            cookies = dict(client.cookies)
        draw(browser, server, cookies, watched_page)


if __name__ == "__main__":
    main()
