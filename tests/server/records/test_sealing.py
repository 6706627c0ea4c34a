"""Write-only values lie sealed in the file, bound to their place, and older files are brought to it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Boolean, MetaData, Table, Text

from server.access.actor import SYSTEM
from server.db.cells import Execute
from server.db.types import JsonText
from server.errors import StartupError
from server.models.base import Base, ModelOptions, field
from server.models.registry import ModelRegistry, model_spec
from server.records import sealing
from server.secrets.key_ring import Unreadable, sealed_under
from tests.conftest import Bear, running_bear

pytestmark = pytest.mark.anyio
CANARY = "canary-7f3a91"
SERVER = {"transport": "stdio", "command": "clock"}


def server(name: str, **more: Any) -> dict[str, Any]:
    return {**SERVER, "name": name, "env": {"KEY": f"{CANARY}-{name}"}, **more}


def raw(folder: Path, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """A statement straight on the file, as somebody with an editor for it could send."""
    with closing(sqlite3.connect(folder / "data" / "gridbear.db", isolation_level=None)) as connection:
        return connection.execute(sql, values).fetchall()


def on_disk(folder: Path, text: str = CANARY) -> list[str]:
    """The files below the data folder that have `text` in them."""
    return [
        str(path.relative_to(folder))
        for path in sorted((folder / "data").rglob("*"))
        if path.is_file() and text.encode() in path.read_bytes()
    ]


async def env_of(bear: Bear, record_id: int) -> Any:
    return (await bear.app.records.reveal(SYSTEM, "mcp_servers", record_id))["env"]


async def test_write_only_values_are_sealed_however_they_come_in(tmp_path: Path, bear: Bear, admin: Any) -> None:
    made = (await admin.post("/api/v1/mcp_servers", json=server("one"))).json()["data"]
    await admin.put(f"/api/v1/mcp_servers/{made['id']}", json={**SERVER, "name": "one"})
    assert await env_of(bear, made["id"]) == {"KEY": f"{CANARY}-one"}
    operations = [{"verb": "create", "model": "mcp_servers", "values": server("two")}]
    answer = await admin.post("/api/v1/batch", json={"operations": operations})
    assert answer.status_code == 200, answer.text
    answer = await admin.post(
        "/api/v1/mcp_servers/import?format=jsonl",
        content=json.dumps(server("three")),
        headers={"content-type": "application/jsonl"},
    )
    assert answer.json()["data"]["imported"] == 1, answer.text
    await admin.post("/api/v1/mcp_servers?upsert=name", json=server("four"))
    await admin.post("/api/v1/mcp_servers?upsert=name", json=server("four", env={"KEY": f"{CANARY}-again"}))
    for number, name in enumerate(("one", "two", "three", "again"), 1):
        assert await env_of(bear, number) == {"KEY": f"{CANARY}-{name}"}
    answer = await admin.patch("/api/v1/mcp_servers/bulk?all=true", json={"headers": {"X": CANARY}})
    assert answer.json()["data"]["count"] == 4, answer.text
    assert on_disk(tmp_path) == []
    stored = raw(tmp_path, "SELECT env, headers FROM mcp_servers")
    current = bear.app.records.shelf.vault.current
    assert [sealed_under(json.loads(value)) for row in stored for value in row] == [current] * 8


async def test_null_clears_a_sealed_value(tmp_path: Path, bear: Bear, admin: Any) -> None:
    await admin.post("/api/v1/mcp_servers", json=server("one"))
    assert (await admin.patch("/api/v1/mcp_servers/1", json={"env": None})).status_code == 200
    assert await env_of(bear, 1) is None
    assert raw(tmp_path, "SELECT env FROM mcp_servers") == [(None,)]


async def test_a_refused_create_takes_no_id_and_the_next_one_is_sealed_for_its_own(bear: Bear, admin: Any) -> None:
    await admin.post("/api/v1/mcp_servers", json=server("one"))
    assert (await admin.post("/api/v1/mcp_servers", json=server("one"))).status_code == 409
    assert (await admin.post("/api/v1/mcp_servers", json=server("two", env={"A": 1}))).status_code == 422
    await admin.delete("/api/v1/mcp_servers/1")
    made = (await admin.post("/api/v1/mcp_servers", json=server("two"))).json()["data"]
    assert made["id"] == 2
    assert await env_of(bear, 2) == {"KEY": f"{CANARY}-two"}


@pytest.mark.parametrize(
    "move",
    [
        "UPDATE mcp_servers SET env = (SELECT env FROM mcp_servers WHERE id = 1) WHERE id = 2",
        "UPDATE mcp_servers SET env = headers WHERE id = 2",
        'UPDATE mcp_servers SET env = \'{"PLAIN": "put in by hand"}\' WHERE id = 2',
    ],
)
async def test_a_value_that_was_moved_or_put_in_by_hand_is_refused(
    tmp_path: Path, bear: Bear, admin: Any, move: str
) -> None:
    for name in ("one", "two"):
        await admin.post("/api/v1/mcp_servers", json=server(name, headers={"H": "h"}))
    raw(tmp_path, move)
    with pytest.raises(Unreadable):
        await env_of(bear, 2)
    answer = await admin.patch("/api/v1/mcp_servers/2", json={"cwd": "/"})
    assert (answer.status_code, answer.json()["code"]) == (409, "secret_unreadable")
    assert CANARY not in answer.text
    # Setting it again is the way out that the message names.
    assert (await admin.patch("/api/v1/mcp_servers/2", json={"env": {"KEY": "new"}})).status_code == 200
    assert await env_of(bear, 2) == {"KEY": "new"}


async def older_file(tmp_path: Path, rows: int = 1) -> None:
    """A data folder whose MCP servers have their variables in clear, as 0.1.0 left them."""
    async with running_bear(tmp_path / "data") as bear:
        admin = await bear.person("ada", "admin")
        for number in range(rows):
            await admin.post("/api/v1/mcp_servers", json=server(f"s{number}"))
    raw(tmp_path, "UPDATE mcp_servers SET env = json_object('KEY', ? || id)", CANARY)
    assert on_disk(tmp_path) == ["data/gridbear.db"]


async def test_values_in_clear_of_an_older_file_are_sealed_at_start_and_erased(tmp_path: Path) -> None:
    await older_file(tmp_path, 3)
    async with running_bear(tmp_path / "data") as bear:
        assert await env_of(bear, 3) == {"KEY": f"{CANARY}3"}
        assert on_disk(tmp_path) == []
        assert any("3 secrets" in warning and "Backups" in warning for warning in bear.app.warnings)
    async with running_bear(tmp_path / "data") as bear:
        assert bear.app.warnings == []


async def test_erasing_that_was_cut_off_is_done_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await older_file(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(sealing, "finish_erasing", lambda _path: None)
        async with running_bear(tmp_path / "data"):
            pass
    assert raw(tmp_path, "SELECT value FROM gridbear_meta WHERE name = 'erase'") == [("due",)]
    async with running_bear(tmp_path / "data"):
        assert on_disk(tmp_path) == []
    assert raw(tmp_path, "SELECT value FROM gridbear_meta WHERE name = 'erase'") == []


async def test_sealing_that_fails_half_way_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await older_file(tmp_path, 2)

    def broken(execute: Execute, *_rest: Any) -> int:
        execute("UPDATE mcp_servers SET env = NULL")
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(sealing, "seal_all", broken)
        with pytest.raises(StartupError, match="Nothing was changed"):
            async with running_bear(tmp_path / "data"):
                pass
    async with running_bear(tmp_path / "data") as bear:
        assert await env_of(bear, 2) == {"KEY": f"{CANARY}2"}


async def test_a_change_of_the_key_that_was_killed_half_way_is_finished_at_the_next_start(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data") as bear:
        admin = await bear.person("ada", "admin")
        await admin.post("/api/v1/mcp_servers", json=server("old"))
        vault = bear.app.records.shelf.vault
        vault.add_key()
        await admin.post("/api/v1/mcp_servers", json=server("new"))
        assert await env_of(bear, 1) == {"KEY": f"{CANARY}-old"}
    async with running_bear(tmp_path / "data") as bear:
        assert bear.app.records.shelf.vault.current == vault.current
        stored = raw(tmp_path, "SELECT env FROM mcp_servers")
        assert [sealed_under(json.loads(row[0])) for row in stored] == [vault.current, vault.current]
        assert await env_of(bear, 1) == {"KEY": f"{CANARY}-old"}
        assert await env_of(bear, 2) == {"KEY": f"{CANARY}-new"}


async def test_without_its_key_the_server_does_not_start_and_changes_nothing(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data") as bear:
        admin = await bear.person("ada", "admin")
        await admin.post("/api/v1/mcp_servers", json=server("one"))
    key = tmp_path / "data" / "secrets" / "key-ring"
    kept = key.read_bytes()
    key.unlink()
    with pytest.raises(StartupError, match="gridbear secrets recover"):
        async with running_bear(tmp_path / "data"):
            pass
    assert not key.exists()
    key.write_bytes(kept)
    async with running_bear(tmp_path / "data") as bear:
        assert await env_of(bear, 1) == {"KEY": f"{CANARY}-one"}


def vaults(kind: type, **more: Any) -> Table:
    column = field(kind, label="X", write_only=True, **more).column
    column.name = column.key = "x"
    return Table("vaults", MetaData(), column)


OPTIONS = ModelOptions(label="Vault", label_plural="Vaults", description="")


@pytest.mark.parametrize(("kind", "more"), [(Boolean, {}), (Text, {"unique": True}), (Text, {"searchable": True})])
async def test_a_write_only_field_that_can_not_be_sealed_is_refused_when_it_is_declared(
    kind: type, more: dict[str, Any]
) -> None:
    with pytest.raises(TypeError, match="stored sealed"):
        model_spec(vaults(kind, **more), OPTIONS)


async def test_a_write_only_field_is_sealed_unless_a_hash_of_it_is_stored() -> None:
    assert model_spec(vaults(JsonText), OPTIONS).sealed == ("x",)
    assert model_spec(vaults(JsonText, hashed=True), OPTIONS).sealed == ()


async def test_a_file_whose_secrets_can_not_be_looked_at_stops_the_start_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "gridbear.db").write_bytes(b"no database at all, but long enough to look like one" * 100)
    with pytest.raises(StartupError, match="can't be looked at"):
        sealing.look_at_values(tmp_path / "gridbear.db", ModelRegistry(Base))
