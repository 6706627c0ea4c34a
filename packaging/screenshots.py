"""Draws the pictures of the docs: starts a server with demo data and photographs its pages with Chromium."""

from __future__ import annotations

import importlib
import shutil
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
    ("home.png", "/", ".recent figure", "light", 1280),
    ("home-dark.png", "/", ".recent figure", "dark", 1280),
    ("data.png", "/#/data/notes?record=3", "#field-title", "light", 1280),
    ("data-phone.png", "/#/data/notes", ".card-rows li", "light", 390),
    ("backups.png", "/#/settings/backups", ".backups > li", "light", 1280),
    ("settings.png", "/#/settings/kept", ".setting", "light", 1280),
    ("activity.png", "/#/activity?range=15m", ".log-line", "light", 1280),
    ("tools.png", "/#/tools/2", "#argument-0", "light", 1280),
    ("plugins.png", "/#/plugins", ".plugin", "dark", 1280),
    ("people.png", "/#/people/access?who=role:member&model=notes&verb=read", ".why ol", "light", 1280),
    ("model.png", "/#/data/-", "#design-plural", "light", 1280),
]
RECEIPTS = "Shop,Category,Amount,Bought,Paid\n" + "".join(
    f"{shop},{kind},{amount},2026-0{month}-12,{paid}\n"
    for month in range(1, 10)
    for shop, kind, amount, paid in (
        ("Corner bakery", "groceries", 18.4, "true"),
        ("Tool shed", "household", 129.0, "false"),
    )
)


def draw(browser: Any, server: Any, cookies: dict[str, str], watched_page: Any) -> None:
    for name, path, ready, theme, width in [("sign-in.png", "/auth/login", "#username", "light", 1280), *PICTURES]:
        watched = watched_page.Watched(browser, server.url, theme, width, None if name == "sign-in.png" else cookies)
        page = watched.open(path, ready)
        if name == "tools.png":
            page.fill("#argument-0", "sourdough")
            page.click(".bench .primary")
            page.locator(".reply-side pre").wait_for()
            watched.settle()
        if name == "model.png":
            receipts = {"name": "Receipts.csv", "mimeType": "text/csv", "buffer": RECEIPTS.encode()}
            page.set_input_files("#design-file", receipts)
            page.locator(".file-row").wait_for()
            watched.settle()
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
            shop = ROOT / "tests" / "e2e" / "shop_server.py"
            # The picture shows where the command was found: better a place that readers have as well.
            python = shutil.which("python3", path="/usr/bin:/usr/local/bin") or sys.executable
            server_row = {"name": "notes-search", "transport": "stdio", "command": python, "args": [str(shop)]}
            client.post("/api/v1/mcp_servers", json=server_row)
            group = client.post("/api/v1/groups", json={"name": "Family"}).json()["data"]["id"]
            for rule in (
                {"role": "member", "verb": "read", "extent": "all"},
                {"role": "guest", "verb": "any", "extent": "own"},
                {"group_id": group, "verb": "update", "extent": "all"},
            ):
                client.post("/api/v1/access_rules", json={"model": "notes", **rule})
            phrase = client.post("/api/v1/backups/recovery-phrase").json()["data"]["phrase"]
            client.post("/api/v1/backups/recovery-phrase/confirm", json={"phrase": phrase})
            client.post("/api/v1/backups")
            cookies = dict(client.cookies)
        draw(browser, server, cookies, watched_page)


if __name__ == "__main__":
    main()
