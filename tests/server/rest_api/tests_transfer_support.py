"""What the tests of exports and imports share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2

from tests.conftest import Bear

NOTES = "/api/v1/notes"
NASTY = [
    "plain", 'quote " and ""', "comma, semicolon; tab\t", "line\nbreak\r\nand more", "🐻 東京 e\u0301", " spaces ",
    '""', ',"",', "=SUM(A1)", "x" * 499, "a\u2028\x0b\x1c\x85",
]  # fmt: skip


async def sent(client: httpx2.AsyncClient, body: bytes | str, **parameters: str) -> httpx2.Response:
    content = body.encode() if isinstance(body, str) else body
    return await client.post(f"{NOTES}/import", params=parameters, content=content)


async def done(client: httpx2.AsyncClient, body: bytes | str, **parameters: str) -> dict[str, Any]:
    answer = await sent(client, body, **parameters)
    assert answer.status_code == 200, answer.text
    report: dict[str, Any] = answer.json()["data"]
    return report


async def refused(client: httpx2.AsyncClient, status: int, body: bytes | str, **parameters: str) -> dict[str, Any]:
    answer = await sent(client, body, **parameters)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    assert found["ok"] is False
    return found


async def rows(client: httpx2.AsyncClient, query: str = "?sort=id&limit=500") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get(f"{NOTES}{query}")).json()["data"]
    return found


async def exported(client: httpx2.AsyncClient, query: str = "") -> str:
    answer = await client.get(f"{NOTES}/export{query}")
    assert answer.status_code == 200, answer.text
    return answer.content.decode()


def left_behind(bear: Bear) -> list[str]:
    return [path.name for path in (Path(bear.app.settings.current.data_dir) / "tmp").iterdir()]


async def make_nasty(client: httpx2.AsyncClient) -> list[dict[str, Any]]:
    for number, text in enumerate(NASTY):
        values = {
            "title": text,
            "body": [text, "", None][number % 3],
            "priority": [2**63 - 1, -(2**63), None, 0][number % 4],
            "done": number % 2 == 0,
            "due_at": ["2026-01-02T03:04:05.678+02:00", None][number % 2],
            "tags": [text, "b"] if number % 2 else [],
        }
        answer = await client.post(NOTES, json=values)
        assert answer.status_code == 201, answer.text
    return await rows(client)


def without_ids(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    kept = ("id", "created_at", "updated_at", "owner_id")
    return [{name: value for name, value in row.items() if name not in kept} for row in found]
