"""A database of the first released schema, opened by this program."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from server.access.actor import SYSTEM
from server.db import file_header
from server.db.connection import connect
from server.db.facts import row_counts
from tests.conftest import running_bear
from tests.server.db.next_schema import first_release

pytestmark = pytest.mark.anyio
TOKEN = "gb_" + "a" * 43
OLD_TABLES = ("users", "api_tokens", "notes", "mcp_servers", "notifications", "settings", "sessions", "tasks")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder of the first release, in which the tests know Max's token."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    first_release(folder / "gridbear.db")
    with closing(sqlite3.connect(folder / "gridbear.db", isolation_level=None)) as connection:
        token_hash = hashlib.sha256(TOKEN.encode()).hexdigest()
        connection.execute("UPDATE api_tokens SET token_hash = ? WHERE id = 2", (token_hash,))
    return folder


async def test_its_records_are_there_found_by_text_and_new_ones_get_new_ids(folder: Path) -> None:
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


async def test_every_row_of_every_table_is_what_it_was_and_listed_as_often(folder: Path) -> None:
    with closing(connect(folder / "gridbear.db")) as connection:
        counts = row_counts(connection)
        columns = {
            table: [
                str(name)
                for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
                if (table, name) != ("mcp_servers", "env")
            ]
            for table in OLD_TABLES
        }
        old = {
            table: connection.execute(f"SELECT {', '.join(names)} FROM {table} ORDER BY id").fetchall()
            for table, names in columns.items()
        }
    async with running_bear(folder) as bear:
        for table in OLD_TABLES:
            assert (await bear.app.records.list_page(SYSTEM, table, [])).count == counts[table] == len(old[table])
        # Kept in clear then, and sealed since.
        assert (await bear.app.records.reveal(SYSTEM, "mcp_servers", 1))["env"] == {"KEY": "v"}
    with closing(connect(folder / "gridbear.db")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (file_header.SCHEMA_VERSION,)
        for table, names in columns.items():
            now = connection.execute(f"SELECT {', '.join(names)} FROM {table} ORDER BY id").fetchall()
            assert now == old[table], table
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    # A backup may have been due as well.
    assert len(list((folder / "backups").glob("before-upgrade-*"))) == 1


async def test_passwords_and_tokens_of_then_let_people_in_and_show_them_their_own_notes_alone(folder: Path) -> None:
    with closing(connect(folder / "gridbear.db")) as connection:
        [own] = connection.execute("SELECT count(*) FROM notes WHERE owner_id = 2").fetchone()
    async with running_bear(folder) as bear:
        by_password = await bear.signed_in("max")
        by_token = await bear.client(authorization=f"Bearer {TOKEN}")
        for client in (by_password, by_token):
            answer = await client.get("/api/v1/notes?limit=500")
            assert answer.status_code == 200
            assert answer.json()["count"] == own < 194
            assert {note["owner_id"] for note in answer.json()["data"]} == {2}
        refused = await (await bear.client(accept="application/json")).post(
            "/auth/login", data={"username": "max", "password": "wrong"}
        )
        assert refused.status_code == 401
