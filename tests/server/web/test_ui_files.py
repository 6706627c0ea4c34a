"""The files of the page: small for who takes gzip, asked for again only when they have changed."""

from __future__ import annotations

import gzip
import re

import pytest

from server.this_computer import resource_dir
from tests.conftest import Bear

pytestmark = pytest.mark.anyio
UI = resource_dir("assets") / "ui"


async def test_text_is_sent_small_to_who_takes_it_and_whole_to_the_others(bear: Bear) -> None:
    guest = await bear.client()
    for path in ("vendor/preact.js", "css/tokens.css", "i18n/en.json", "icons.svg"):
        whole = (UI / path).read_bytes()
        async with guest.stream("GET", f"/ui/{path}", headers={"accept-encoding": "gzip, br"}) as answer:
            sent = b"".join([chunk async for chunk in answer.aiter_raw()])
        assert answer.headers["content-encoding"] == "gzip" and len(sent) < len(whole) / 2
        assert gzip.decompress(sent) == whole
        plain = await guest.get(f"/ui/{path}", headers={"accept-encoding": "identity"})
        assert "content-encoding" not in plain.headers and plain.content == whole
        assert plain.headers["vary"] == answer.headers["vary"] == "accept-encoding"
        head = await guest.head(f"/ui/{path}")
        assert head.headers["content-length"] == str(len(whole)) and not head.content


async def test_scripts_are_sent_small_without_their_remarks_each_line_in_its_place(bear: Bear) -> None:
    guest = await bear.client()
    whole = (UI / "i18n.js").read_text("utf-8").splitlines()
    sent = (await guest.get("/ui/i18n.js", headers={"accept-encoding": "gzip"})).text.split("\n")
    assert [line for line in whole if line.startswith(("//", "/**"))]
    assert not [line for line in sent if line.lstrip().startswith(("//", "/**", "* "))]
    assert [(n, line) for n, line in enumerate(sent) if line] == [
        (n, line) for n, line in enumerate(whole) if line and line in sent
    ]


async def test_sheets_come_joined_in_their_order_and_once(bear: Bear) -> None:
    guest = await bear.client()
    for name in ("first", "rest", "narrow"):
        parts = re.findall(r'"(\w+\.css)"', (UI / "css" / f"{name}.css").read_text("utf-8"))
        rules = [re.sub(r"/\*.*?\*/", "", (UI / "css" / part).read_text("utf-8"), flags=re.DOTALL) for part in parts]
        tags = []
        for encoding in ("gzip", "identity"):
            answer = await guest.get(f"/ui/css/{name}.css", headers={"accept-encoding": encoding})
            assert answer.text.split() == "".join(rules).split() and "@import" not in answer.text
            assert answer.headers.get("content-encoding") == ("gzip" if encoding == "gzip" else None)
            assert answer.headers["content-type"].startswith("text/css") and answer.headers["vary"] == "accept-encoding"
            tags.append(answer.headers["etag"])
            again = {"accept-encoding": encoding, "if-none-match": tags[-1]}
            assert (await guest.get(f"/ui/css/{name}.css", headers=again)).status_code == 304
        assert len(set(tags)) == 2
    assert (await guest.post("/ui/css/first.css")).status_code == 405


async def test_what_has_not_changed_is_not_sent_again_small_or_whole(bear: Bear) -> None:
    guest = await bear.client()
    tags = set()
    for encoding in ("gzip", "identity"):
        first = await guest.get("/ui/main.js", headers={"accept-encoding": encoding})
        tags.add(first.headers["etag"])
        again = {"accept-encoding": encoding, "if-none-match": first.headers["etag"]}
        assert (await guest.get("/ui/main.js", headers=again)).status_code == 304
    assert len(tags) == 2, "other bytes have another tag"


async def test_pictures_and_fonts_are_dense_already(bear: Bear) -> None:
    guest = await bear.client()
    [font, *_] = sorted((UI / "fonts").glob("*.woff2"))
    answer = await guest.get(f"/ui/fonts/{font.name}", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in answer.headers and answer.content == font.read_bytes()


async def test_the_page_names_every_script_that_it_imports_and_words_come_before_they_are_asked_for(bear: Bear) -> None:
    guest = await bear.client()
    for address, own in (("/", False), ("/auth/login", True)):
        small = await guest.get(address, headers={"accept-encoding": "gzip"})
        page = (await guest.get(address, headers={"accept-encoding": "identity"})).text
        assert small.headers["content-encoding"] == "gzip" and small.text == page and "{{" not in page
        named = re.findall(r'<link rel="modulepreload" href="/ui/([^"]+)">', page)
        assert named[0] == "main.js" and {"vendor/preact.js", "widgets/frame.js", "pages/home.js"} <= set(named)
        assert len(named) == len(set(named)) and "pages/data.js" not in named
        assert ("pages/signin.js" in named) == own
        for name in named:
            assert (await guest.get(f"/ui/{name}")).status_code == 200, name
        assert '<link rel="preload" href="/ui/i18n/en.json"' in page
