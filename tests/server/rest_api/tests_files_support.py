"""Uploads for tests."""

from __future__ import annotations

from typing import Any

import httpx2

from tests.conftest import Bear

URL = "/api/v1/files"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8cfc0f01f00050001ffd6"
    "8b20870000000049454e44ae426082"
)
HTML = b"<!DOCTYPE html><script>alert(document.cookie)</script>"


async def upload(
    client: httpx2.AsyncClient, data: bytes, name: str = "photo.png", kind: str = "image/png"
) -> httpx2.Response:
    """An upload as a browser's form sends it."""
    return await client.post(URL, files={"file": (name, data, kind)})


async def uploaded(
    client: httpx2.AsyncClient, data: bytes, name: str = "photo.png", kind: str = "image/png"
) -> dict[str, Any]:
    """The row of a fresh upload."""
    answer = await upload(client, data, name, kind)
    assert answer.status_code == 201, answer.text
    row: dict[str, Any] = answer.json()["data"]
    return row


def bytes_kept(bear: Bear) -> set[str]:
    """The hashes of everything that lies in the file store."""
    folder = bear.app.records.shelf.store.path.parent / "files"
    return {path.name for path in folder.rglob("*") if path.is_file()}
