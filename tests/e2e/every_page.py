"""Every page of an admin, for the tests that walk through all of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import httpx2
from playwright.sync_api import Page

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PLUGIN = "reading-list"
BOOKS = {"name": "books", "label": "Book", "label_plural": "Books", "fields": [{"name": "title", "type": "text"}]}
EVERY_PAGE = [
    "/", "/more", "/data", "/data/notes", "/data/notes?record=2", "/data/notes?record=new", "/data/users",
    "/data/notes/deleted", "/data/notes/import", "/data/notes/access", "/data/-", "/data/books/design",
    "/data/mcp_servers?record=new",
    "/tools", "/tools/1", "/tools/1?view=messages", "/tools/approvals", "/tools/calls", "/tools/clients",
    "/tools/add/known", "/tools/add/clients", "/tools/add/paste",
    "/automations", "/automations/schedules", "/automations/webhooks", "/plugins",
    "/people", "/people/invites", "/people/groups", "/people/access", "/people/why", "/people/log", "/people/tokens",
    "/people/sessions",
    "/people/apps", "/account", "/activity", "/activity/calls", "/activity/audit", "/activity/signins",
    "/settings", "/settings/sharing", "/settings/certificate", "/settings/network", "/settings/people",
    "/settings/limits", "/settings/backups", "/settings/storage", "/settings/kept", "/settings/tools",
    "/settings/automations", "/settings/about",
    f"/{PLUGIN}", "/data/reading_list_books",
]  # fmt: skip
ROWS = {"name": "rows.csv", "mimeType": "text/csv", "buffer": b"title,priority\nFrom a file,3\n"}


def place_plugin(data_dir: Path) -> None:
    """Before the server starts: a plugin with a page and a model of its own."""
    shutil.copytree(EXAMPLES / PLUGIN, data_dir / "plugins" / PLUGIN)


def furnish(client: httpx2.Client) -> None:
    """What the pages of the list need: the plugin switched on, and a model that was made here."""
    asked = client.get(f"/api/v1/plugins/{PLUGIN}/manifest").json()["data"]["manifest"]["permissions"]
    row = client.post(f"/api/v1/plugins/{PLUGIN}/enable", json={"permissions": asked}).json()["data"]
    assert (row["state"], row["error"]) == ("on", None)
    made = client.post("/api/v1/models", json=BOOKS)
    assert made.is_success, made.text


def further(page: Page, path: str) -> None:
    """Where the first look at a page is not all of it: the next step, with something in it."""
    if path == "/data/notes/import":
        page.locator("main input[type=file]").set_input_files([ROWS])
        page.locator("main .mapping").wait_for()
