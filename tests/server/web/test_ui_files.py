"""The files of the page: small for who takes gzip, asked for again only when they have changed."""

from __future__ import annotations

import gzip

import pytest

from server.config import resource_dir
from tests.conftest import Bear

pytestmark = pytest.mark.anyio
UI = resource_dir("assets") / "ui"


async def test_text_is_sent_small_to_who_takes_it_and_whole_to_the_others(bear: Bear) -> None:
    guest = await bear.client()
    for path in ("main.js", "css/tokens.css", "i18n/en.json", "icons.svg"):
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
