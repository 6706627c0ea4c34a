"""A database of the first released schema, opened by this program."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from server.access.actor import SYSTEM
from tests.conftest import running_bear

pytestmark = pytest.mark.anyio
FIRST_SCHEMA = Path(__file__).parents[2] / "data" / "schema-1.db.gz"


async def test_its_records_are_there_found_by_text_and_new_ones_get_new_ids(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    (folder / "gridbear.db").write_bytes(gzip.decompress(FIRST_SCHEMA.read_bytes()))
    async with running_bear(folder) as bear:
        records = bear.app.records
        notes = await records.list_page(SYSTEM, "notes", [])
        assert notes.count == 194
        last = (await records.find(SYSTEM, "notes", sort="-id", limit=1))[0]
        word = last["title"].split()[0]
        assert (await records.list_page(SYSTEM, "notes", [("q", word)])).count
        made = await records.create(SYSTEM, "notes", {"title": "quokka", "owner_id": last["owner_id"]})
        assert made["id"] > last["id"]
        assert (await records.list_page(SYSTEM, "notes", [("q", "quokka")])).count == 1
        assert [row["username"] for row in await records.find(SYSTEM, "users")] == ["ada", "max"]
