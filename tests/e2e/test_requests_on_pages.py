"""What a page says of doing the same from a terminal does the same, put there as it stands."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import Any

import pytest
from demo_data import sign_in
from people import PASSWORD
from server_process import RunningServer
from watched_page import CHROMIUM, Watched

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine"),
    pytest.mark.skipif(shutil.which("curl") is None, reason="the pages' requests are by curl: not installed"),
]
MOODS = {
    "name": "moods", "label": "Mood", "label_plural": "Moods",
    "fields": [{"name": "answer", "type": "choice", "choices": ["don't", "do \"it\""], "required": True}],
}  # fmt: skip


def sent(request: str, token: str) -> Any:
    """What the server answers to the line of a page, in a shell that knows the token."""
    run = ["sh", "-c", f"{request} --silent --show-error --fail-with-body"]
    done = subprocess.run(run, env={**os.environ, "TOKEN": token}, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, f"{request}: {done.stdout} {done.stderr}"
    return json.loads(done.stdout) if done.stdout else None


def test_the_requests_of_pages_do_in_a_terminal_what_they_say(lived_in: RunningServer, at_desk: Watched) -> None:
    with sign_in(lived_in.url, "maja", PASSWORD) as maja:
        assert maja.post("/api/v1/models", json=MOODS).status_code == 201
        token = maja.post("/api/v1/api_tokens", json={"name": "terminal", "scopes": ["api"]}).json()["data"]["token"]
    at_desk.open("/#/data/moods", ".empty .copyable")
    made = sent(at_desk.page.locator(".empty .copyable code").inner_text(), token)["data"]
    assert made["answer"] == "don't"

    at_desk.open("/#/data/moods", ".grid-foot")
    at_desk.page.evaluate("navigator.clipboard.writeText = async (text) => { window.__copied = text; }")
    at_desk.page.locator(".grid-foot .desk-only button").click()
    assert [row["id"] for row in sent(at_desk.page.evaluate("window.__copied"), token)["data"]] == [made["id"]]

    at_desk.open(f"/#/data/moods?record={made['id']}", "[role=tab]")
    at_desk.page.get_by_role("tab", name="API").click()
    at_desk.page.locator(".drawer .copyable").first.wait_for()
    requests = at_desk.page.locator(".drawer .copyable code").all_inner_texts()
    assert sent(requests[0], token)["data"]["answer"] == "don't"
    sent(next(request for request in requests if "-X DELETE" in request), token)
    with sign_in(lived_in.url, "maja", PASSWORD) as maja:
        assert maja.get(f"/api/v1/moods/{made['id']}").status_code == 404
    at_desk.check()


@pytest.mark.parametrize(
    "path",
    ["/people/invites", "/people/groups", "/automations/webhooks", "/automations/schedules", "/settings/backups",
     "/data/notes/access", "/data/notes/deleted", "/data/-/slow"],
)  # fmt: skip
def test_every_page_names_the_token_as_the_docs_do(at_desk: Watched, path: str) -> None:
    at_desk.open(f"/#{path}", "main")
    at_desk.page.locator("main .copyable code").first.wait_for(state="attached")
    for request in at_desk.page.locator("main .copyable code").all_text_contents():
        if request.startswith("curl"):
            assert '-H "Authorization: Bearer $TOKEN"' in request, request
            assert f'"{at_desk.base}/' in request, request
    at_desk.check()
