"""A database file that is damaged: noticed, never written again, and said so, running and at start."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.db.connection import connect
from server.db.facts import damage
from tests.conftest import Bear, running_bear
from tests.faults.victim import Victim
from tests.gridbear_desktop.gridbear_process import Gridbear
from tests.server.rest_api.tests_backup_support import URL as BACKUPS
from tests.server.rest_api.tests_backup_support import house

NOTES = "/api/v1/notes"


def damage_table(database: Path, name: str) -> None:
    """Overwrite the root page of a table or index with nonsense, as a bad disk would."""
    connection = connect(database)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    [root] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()
    [size] = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with database.open("rb+") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)


@pytest.fixture
async def bear(tmp_path: Path, anyio_backend: str) -> AsyncIterator[Bear]:
    async with running_bear(tmp_path / "data") as running:
        yield running


@pytest.mark.anyio
async def test_damage_that_a_write_meets_ends_writing_and_keeps_reading(bear: Bear, tmp_path: Path) -> None:
    admin = await bear.person("ada", "admin")
    note = (await admin.post(NOTES, json={"title": "kept"})).json()["data"]
    damage_table(tmp_path / "data" / "gridbear.db", "history")
    refused = await admin.post(NOTES, json={"title": "no"})
    assert refused.status_code == 507 and refused.json()["code"] == "recovery_mode", refused.text
    assert "gridbear restore" in refused.json()["error"]
    assert (await admin.delete(f"{NOTES}/{note['id']}")).json()["code"] == "recovery_mode"
    assert (await admin.get(f"{NOTES}/{note['id']}")).json()["data"]["title"] == "kept"
    await bear.app.storage_watch.settled()
    shown = (await admin.get("/api/v1/server")).json()["data"]["storage"]
    assert shown["state"] == "recovery" and shown["trouble"] == "damaged"
    assert shown["check"]["state"] == "damaged" and shown["check"]["found"]
    going_on = await admin.post("/api/v1/server/go-on")
    assert going_on.status_code == 409 and "gridbear restore" in going_on.json()["error"]
    assert (await admin.get(NOTES)).json()["count"] == 1


@pytest.mark.anyio
async def test_damage_that_a_read_meets_ends_writing(bear: Bear, tmp_path: Path) -> None:
    admin = await bear.person("ada", "admin")
    await admin.post(NOTES, json={"title": "kept"})
    damage_table(tmp_path / "data" / "gridbear.db", "ix_notes_due_at")
    answer = await admin.get(f"{NOTES}?due_at__gt=2026-01-01T00:00:00Z&sort=due_at&total=false")
    assert answer.status_code == 507 and answer.json()["code"] == "recovery_mode"
    assert (await admin.post(NOTES, json={"title": "no"})).json()["code"] == "recovery_mode"


@pytest.mark.anyio
@pytest.mark.parametrize("table", ["notes", "users"])
async def test_damage_that_a_backup_meets_ends_writing(bear: Bear, tmp_path: Path, table: str) -> None:
    admin = await bear.person("ada", "admin")
    damage_table(tmp_path / "data" / "gridbear.db", table)
    refused = await admin.post("/api/v1/backups", json={"without_phrase": True})
    assert refused.status_code == 507 and refused.json()["code"] == "recovery_mode", refused.text
    assert bear.app.storage_watch.storage.in_recovery
    assert list((tmp_path / "data" / "backups").glob("*.zip*")) == []


@pytest.mark.anyio
async def test_damage_that_an_export_meets_ends_writing(bear: Bear, tmp_path: Path) -> None:
    admin = await bear.person("ada", "admin")
    damage_table(tmp_path / "data" / "gridbear.db", "notes")
    refused = await admin.get(f"{NOTES}/export?format=jsonl")
    assert refused.status_code == 507 and refused.json()["code"] == "recovery_mode", refused.text
    assert bear.app.storage_watch.storage.in_recovery


@pytest.mark.anyio
async def test_damage_that_a_dry_run_of_an_import_meets_ends_writing(bear: Bear, tmp_path: Path) -> None:
    admin = await bear.person("ada", "admin")
    damage_table(tmp_path / "data" / "gridbear.db", "notes")
    rows = b'{"title": "a", "id": 7, "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"}\n'
    refused = await admin.post(f"{NOTES}/import?format=jsonl&dry_run=true&keep_ids=true", content=rows)
    assert refused.status_code == 507 and refused.json()["code"] == "recovery_mode", refused.text
    assert bear.app.storage_watch.storage.in_recovery


@pytest.mark.anyio
@pytest.mark.parametrize("table", ["notes", "history", "users"])
async def test_a_backup_is_restored_over_a_file_that_is_damaged_while_the_server_runs(
    tmp_path: Path, table: str, anyio_backend: str
) -> None:
    async with house(tmp_path / "data") as home:
        await home.note("kept")
        name = (await home.backup())["name"]
        await home.note("later")
        damage_table(tmp_path / "data" / "gridbear.db", table)
        assert (await home.owner.post(BACKUPS, json={"without_phrase": True})).json()["code"] == "recovery_mode"
        assert (await home.owner.post(NOTES, json={"title": "no"})).json()["code"] == "recovery_mode"
        plan = await home.owner.post(f"{BACKUPS}/{name}/restore", json={"dry_run": True})
        assert plan.status_code == 200, plan.text
        report = (await home.restore(name))["last_restore"]
        assert report["outcome"] == "restored", report
        assert (await home.owner.get("/api/v1/server")).json()["data"]["storage"]["state"] == "ok"
        assert await home.titles() == ["kept"]
        await home.note("and on")
        assert damage(tmp_path / "data" / "gridbear.db") is None
        # What was damaged is kept: perhaps more can be saved from it.
        [state] = (tmp_path / "data" / "before-restore").iterdir()
        assert damage(state / "gridbear.db") is not None


@pytest.mark.anyio
@pytest.mark.parametrize("trouble", ["vanished", "replaced"])
async def test_a_backup_is_restored_when_the_file_is_gone_or_another_lies_in_its_place(
    tmp_path: Path, trouble: str, anyio_backend: str
) -> None:
    async with house(tmp_path / "data") as home:
        await home.note("kept")
        name = (await home.backup())["name"]
        await home.note("later")
        database = tmp_path / "data" / "gridbear.db"
        if trouble == "replaced":
            shutil.copyfile(database, tmp_path / "other.db")
        database.rename(tmp_path / "elsewhere.db")
        if trouble == "replaced":
            (tmp_path / "other.db").rename(database)
        home.bear.app.storage_watch.storage.look()
        assert home.bear.app.storage_watch.storage.condition.trouble == trouble
        report = (await home.restore(name))["last_restore"]
        assert report["outcome"] == "restored", report
        assert await home.titles() == ["kept"]
        await home.note("and on")
        assert damage(database) is None


@pytest.mark.slow
def test_the_command_line_restores_beside_a_server_in_recovery_mode(tmp_path: Path) -> None:
    processes = Gridbear(tmp_path / "data")
    processes.env["GRIDBEAR_KEY_STORE"] = "file"
    try:
        processes.create_user("maja")
        process = processes.serve("--port", "0")
        processes.ready(process)
        made = json.loads(processes.cli("backup", "--without-phrase", "--json").stdout)
        damage_table(tmp_path / "data" / "gridbear.db", "notes")
        refused = processes.cli("backup", "--without-phrase")
        assert refused.returncode == 1 and "gridbear restore" in refused.stderr
        done = processes.cli("restore", made["name"], "--yes")
        assert done.returncode == 0, done.stderr
        assert damage(tmp_path / "data" / "gridbear.db") is None and process.poll() is None
        assert processes.cli("backup", "--without-phrase").returncode == 0
    finally:
        processes.end()


@pytest.mark.slow
def test_a_damaged_file_is_refused_at_start_with_the_way_out_and_left_as_it_is(tmp_path: Path) -> None:
    victim = Victim(tmp_path / "data")
    victim.admin_token()
    database = victim.data_dir / "gridbear.db"
    for offset in (0, 100):
        with database.open("rb+") as file:
            file.seek(offset)
            file.write(os.urandom(64))
        before = database.read_bytes()
        done = subprocess.run(
            [sys.executable, "-m", "gridbear_desktop", "serve", "--port", "0"],
            env=victim.env, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 2, done.stderr
        assert len(done.stderr.strip().splitlines()) == 1 and "Nothing was changed" in done.stderr
        assert "gridbear restore" in done.stderr or "restore a backup" in done.stderr
        assert database.read_bytes() == before
