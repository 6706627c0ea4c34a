"""What a plugin asks of other servers, and the files that it keeps: how far, how much, and what is refused."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from server.errors import Forbidden, GridBearError, TooLarge, UpstreamFailed, ValidationFailed
from server.plugin_host.context import HostContext
from tests.conftest import Bear
from tests.server.plugin_host.tests_plugin_support import on, switch, write

pytestmark = pytest.mark.anyio
PACKED = gzip.compress(b"x" * 100_000)
ANSWERS = {
    b"/": b"HTTP/1.1 418 teapot\r\nX-Kind: Tea\r\nContent-Length: 5\r\n\r\nshort",
    b"/away": b"HTTP/1.1 302 away\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\n\r\n",
    b"/long": b"HTTP/1.1 200 ok\r\nContent-Length: 1001\r\n\r\n" + b"x" * 1001,
    b"/packed": b"HTTP/1.1 200 ok\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(PACKED) + PACKED,
    b"/cut": b"HTTP/1.1 200 ok\r\nContent-Length: 1000\r\n\r\nx",
    b"/hangs": b"",
}


@pytest.fixture
async def address(anyio_backend: str) -> AsyncIterator[str]:
    """A server on this computer that answers by its path, and hangs where it has nothing to say."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1]
        except asyncio.IncompleteReadError:
            writer.close()  # asked nothing, since what was to be asked can't be sent
            return
        writer.write(ANSWERS[path])
        if path == b"/hangs":
            await reader.read()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.fixture
async def plugin(house: Bear, ada: httpx2.AsyncClient, folder: Path) -> AsyncIterator[HostContext]:
    write(folder, "curious", permissions=["network"])
    await on(ada, "curious", "network")
    [live] = [it for it in house.app.plugins.live if it.id == "curious"]
    yield live.context
    await switch(ada, "curious", "disable")


@pytest.mark.parametrize("value", ["canary\nx", "canary \u2603"])
async def test_a_header_that_can_not_be_sent_is_told_without_its_value(
    plugin: HostContext, address: str, value: str
) -> None:
    with pytest.raises(ValidationFailed) as told:
        await plugin.fetch(f"{address}/", private=True, headers={"authorization": value})
    assert "canary" not in str(told.value) and "header" in str(told.value)


async def test_an_answer_comes_as_it_is_whatever_its_status(plugin: HostContext, address: str) -> None:
    got = await plugin.fetch(f"{address}/", private=True, method="POST", body=b"tea", headers={"x-my": "1"})
    assert (got.status, got.headers["x-kind"], got.body) == (418, "Tea", b"short")
    away = await plugin.fetch(f"{address}/away", private=True)
    assert (away.status, away.headers["location"]) == (302, "http://10.0.0.1/")
    packed = await plugin.fetch(f"{address}/packed", private=True, most_bytes=1000)
    assert packed.body == PACKED


@pytest.mark.parametrize(
    ("path", "kind", "code"),
    [
        ("/long", TooLarge, "too_large"),
        ("/cut", UpstreamFailed, "no_answer"),
        ("/hangs", UpstreamFailed, "no_answer"),
    ],
)
async def test_what_is_no_whole_answer_in_time_is_an_error_that_says_so(
    path: str, kind: type[GridBearError], code: str, plugin: HostContext, address: str
) -> None:
    with pytest.raises(kind) as caught:
        await plugin.fetch(address + path, private=True, most_bytes=1000, seconds=0.3 if path == "/hangs" else 20.0)
    assert caught.value.code == code


async def test_places_that_are_nobodys_business_are_refused(plugin: HostContext, address: str) -> None:
    for url, private in ((address, False), ("http://169.254.169.254/", True), ("http://1.1.1.1/", False)):
        with pytest.raises(Forbidden) as refused:
            await plugin.fetch(url, private=private)
        assert refused.value.code == "address_refused"
    with pytest.raises(UpstreamFailed) as unreached:
        await plugin.fetch("http://127.0.0.1:1/", private=True)
    assert unreached.value.code == "not_reached"
    for url in ("file:///etc/passwd", "", "gopher://127.0.0.1/", "http://[::1"):
        with pytest.raises((ValidationFailed, Forbidden)):
            await plugin.fetch(url, private=True)


async def test_a_plugin_without_the_permission_asks_nobody(
    house: Bear, ada: httpx2.AsyncClient, folder: Path, address: str
) -> None:
    write(folder, "shy")
    await on(ada, "shy")
    [live] = [it for it in house.app.plugins.live if it.id == "shy"]
    with pytest.raises(Forbidden) as refused:
        await live.context.fetch(address, private=True)
    assert refused.value.code == "permission_missing"


async def test_a_file_is_kept_with_its_name_and_type(plugin: HostContext, ada: httpx2.AsyncClient) -> None:
    file_id = await plugin.keep_file("a map.png", b"\x89PNG\r\n\x1a\n", "image/png")
    row = (await ada.get(f"/api/v1/files/{file_id}")).json()["data"]
    assert (row["name"], row["content_type"], row["size"], row["owner_id"]) == ("a map.png", "image/png", 8, None)
    assert (await ada.get(f"/api/v1/files/{file_id}/content")).content == b"\x89PNG\r\n\x1a\n"
