"""The OpenAPI document gives every schema a name of its own, from which generators make classes."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.conftest import Bear

pytestmark = pytest.mark.anyio


def _class_name(key: str, schema: dict[str, Any]) -> str:
    return "".join(letter for letter in schema.get("title", key).casefold() if letter.isalnum())


async def test_no_two_schemas_go_by_one_name_and_none_by_the_name_of_a_file(
    bear: Bear, admin: httpx2.AsyncClient
) -> None:
    own = {"name": "mistakes", "label": "Error", "label_plural": "Errors", "fields": [{"name": "what", "type": "text"}]}
    assert (await admin.post("/api/v1/models", json=own)).status_code == 201
    schemas = (await admin.get("/api/openapi.json")).json()["components"]["schemas"]
    assert [key for key in schemas if key.startswith("server__")] == []
    names = [_class_name(key, schema) for key, schema in schemas.items()]
    assert sorted({name for name in names if names.count(name) > 1}) == []
    assert schemas["notes"]["title"] == "Note" and "title" not in schemas["mistakes"]
