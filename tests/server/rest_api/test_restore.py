"""Restore, undo and moving house: everything comes back, or nothing changes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from server.backup.intent import Intent, Papers
from server.backup.settling import Settling
from tests.server.rest_api.tests_backup_support import URL, House, house

pytestmark = pytest.mark.anyio


@pytest.fixture
async def home(tmp_path: Path, anyio_backend: str) -> AsyncIterator[House]:
    async with house(tmp_path / "data") as found:
        yield found


async def test_a_restore_brings_the_old_state_and_undo_the_new_one(home: House) -> None:
    await home.note("old")
    name = (await home.backup())["name"]
    await home.note("new")
    report = (await home.restore(name))["last_restore"]
    assert (report["outcome"], report["name"], report["problem"]) == ("restored", name, "")
    assert {"model": "notes", "backup": 1, "now": 1} in report["models"]
    assert await home.titles() == ["old"]

    assert (await home.undo())["last_restore"]["outcome"] == "undone"
    assert await home.titles() == ["old", "new"]
    # What the undo replaced is kept too.
    await home.undo()
    assert await home.titles() == ["old"]
    assert len((await home.status())["undo"]) == 1


async def test_an_older_state_can_be_named(home: House) -> None:
    name = (await home.backup())["name"]
    for title in ("a", "b"):
        await home.note(title)
        await home.restore(name)
    kept = [state["name"] for state in (await home.status())["undo"]]
    assert len(kept) == 2
    await home.undo(name=kept[1])
    assert await home.titles() == ["a"]
    assert (await home.owner.post(f"{URL}/restore/undo", json={"name": "state-x"})).json()["code"] == "nothing_to_undo"


async def test_a_dry_run_tells_the_rows_and_changes_nothing(home: House) -> None:
    await home.note("a")
    name = (await home.backup())["name"]
    await home.note("b")
    answer = await home.owner.post(f"{URL}/{name}/restore", json={"dry_run": True})
    assert answer.status_code == 200, answer.text
    plan = answer.json()["data"]
    assert {"model": "notes", "backup": 1, "now": 2} in plan["models"] and plan["phrase_needed"] is False
    assert home.restarts == 0 and not (home.folder / "restore" / "intent.json").exists()


async def test_everything_comes_back_in_an_empty_folder(home: House, tmp_path: Path) -> None:
    owner = home.owner
    definition = {"name": "books", "label": "Book", "fields": [{"name": "title", "type": "text", "searchable": True}]}
    assert (await owner.post("/api/v1/models", json={**definition, "label_plural": "Books"})).status_code == 201
    await owner.post("/api/v1/books", json={"title": "Momo"})
    ada = await home.bear.person("ada", "admin")
    await ada.post("/api/v1/notes", json={"title": "of Ada"})
    group = (await owner.post("/api/v1/groups", json={"name": "readers"})).json()["data"]["id"]
    await owner.post("/api/v1/group_members", json={"group_id": group, "user_id": home.bear.ids["ada"]})
    rule = {"group_id": group, "model": "books", "verb": "read", "extent": "all"}
    await owner.post("/api/v1/access_rules", json=rule)
    await owner.post("/api/v1/mcp_servers", json={"name": "clock", "transport": "stdio", "command": "clock"})
    await owner.post("/api/v1/settings", json={"name": "history_days", "value": 7})
    (home.folder / "files" / "ab").mkdir(parents=True, exist_ok=True)
    (home.folder / "files" / "ab" / "blob").write_bytes(b"a file")
    plugin = home.folder / "plugins" / "clock"
    plugin.mkdir()
    (plugin / "manifest.json").write_text(json.dumps({"name": "Clock", "version": "1"}))
    (plugin / "run.sh").write_text("#!/bin/sh\n")
    (plugin / "run.sh").chmod(0o755)
    assert (await owner.get("/api/v1/plugins/clock/manifest")).status_code == 200
    made = await home.backup()
    content = (await owner.get(f"{URL}/{made['name']}/content")).content
    models = [model for model, count in made["counts"].items() if count]
    # These two are told of what comes after the backup, too.
    kept = [model for model in models if model not in ("history", "audit_entries")]
    before = {model: (await owner.get(f"/api/v1/{model}?sort=id")).json() for model in kept}

    async with house(tmp_path / "fresh") as fresh:
        uploaded = (await fresh.owner.post(f"{URL}/upload", content=content)).json()["data"]["name"]
        report = (await fresh.restore(uploaded))["last_restore"]
        assert report["outcome"] == "restored", report
        for model, rows in before.items():
            assert (await fresh.owner.get(f"/api/v1/{model}?sort=id")).json() == rows, model
        assert (fresh.folder / "files" / "ab" / "blob").read_bytes() == b"a file"
        assert (fresh.folder / "plugins" / "clock" / "run.sh").stat().st_mode & 0o111
        assert [plugin.id for plugin in fresh.bear.app.plugins.found if plugin.id == "clock"]
        assert fresh.bear.app.settings.current.history_days == 7
        hit = await fresh.owner.get("/api/v1/books?q=momo")
        assert hit.json()["count"] == 1
        # The token of the old computer works on the new one.
        old = await fresh.bear.client(authorization=ada.headers["authorization"])
        assert (await old.get("/api/v1/notes")).json()["data"][0]["title"] == "of Ada"


async def test_sessions_are_those_of_the_backup(home: House) -> None:
    await home.bear.person("ada", "admin")
    early = await home.bear.signed_in("ada")
    name = (await home.backup())["name"]
    late = await home.bear.signed_in("ada")
    cookies = [dict(client.cookies) for client in (early, late)]
    await home.restore(name)
    for cookie, status in zip(cookies, (200, 401), strict=True):
        client = await home.bear.client()
        client.cookies.update(cookie)
        assert (await client.get("/api/v1/notes")).status_code == status


async def test_rows_that_differ_are_a_failure_and_undone(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await home.note("old")
    name = (await home.backup())["name"]
    await home.note("new")
    answer = await home.owner.post(f"{URL}/{name}/restore")
    assert answer.status_code == 202
    intent = home.folder / "restore" / "intent.json"
    intent.write_text(intent.read_text().replace('"notes": 1', '"notes": 5'))
    await home.start_again()
    report = (await home.status())["last_restore"]
    assert report["outcome"] == "failed" and "notes: 5 in the backup, 1 restored" in report["problem"]
    assert await home.titles() == ["old", "new"]
    assert (await home.status())["undo"] == [] and not intent.exists()
    assert list((home.folder / "before-restore").iterdir()) == []


async def test_data_that_does_not_start_is_undone(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await home.note("old")
    name = (await home.backup())["name"]
    await home.note("new")
    assert (await home.owner.post(f"{URL}/{name}/restore")).status_code == 202
    check, failed = Settling.check, list[bool]()

    def broken(self: Settling) -> None:
        check(self)
        if not failed:
            failed.append(True)
            raise RuntimeError("boom")

    monkeypatch.setattr(Settling, "check", broken)
    await home.start_again()
    assert "RuntimeError: boom" in (await home.status())["last_restore"]["problem"]
    assert await home.titles() == ["old", "new"]


async def test_a_changed_plugin_is_the_restored_one_after_the_restart(home: House) -> None:
    plugin = home.folder / "plugins" / "counter"
    (plugin / "api").mkdir(parents=True)
    (plugin / "manifest.json").write_text(json.dumps({"name": "Counter", "version": "1"}))
    model = (
        "from server.plugin_api import Base, ModelOptions, Record, field\n"
        "from sqlalchemy import Text\nfrom sqlalchemy.orm import Mapped\n"
        "class Count(Record, Base):\n    __tablename__ = 'counter_counts'\n"
        "    __options__ = ModelOptions(label='Count', label_plural='Counts', description='')\n"
        "    name: Mapped[str] = field(Text, label='Name')\n"
    )
    routes = (
        "from fastapi import APIRouter\nrouter = APIRouter()\n"
        "@router.get('/', summary='Version')\nasync def version():\n    return {'version': VERSION}\n"
    )
    (plugin / "models.py").write_text(model)
    (plugin / "api" / "routes.py").write_text(f"VERSION = 1\n{routes}")
    enabled = await home.owner.post("/api/v1/plugins/counter/enable", json={})
    assert enabled.json()["data"]["state"] == "on", enabled.text
    assert (await home.owner.get("/api/counter/")).json() == {"version": 1}
    await home.owner.post("/api/v1/counter_counts", json={"name": "x"})
    name = (await home.backup())["name"]
    (plugin / "api" / "routes.py").write_text(f"VERSION = 22\n{routes}")
    await home.start_again()
    assert (await home.owner.get("/api/counter/")).json() == {"version": 22}
    await home.restore(name)
    assert (await home.owner.get("/api/counter/")).json() == {"version": 1}
    assert (await home.owner.get("/api/v1/counter_counts")).json()["count"] == 1


async def test_a_restore_is_refused_before_anything_changes_when_the_disk_is_too_small(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = (await home.backup())["name"]
    monkeypatch.setattr(home.bear.app.backups._stager, "_free", lambda _: 1 << 20)
    answer = await home.owner.post(f"{URL}/{name}/restore")
    assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
    assert home.restarts == 0 and not (home.folder / "restore" / "incoming").exists()


async def test_a_former_state_goes_after_its_days(home: House) -> None:
    name = (await home.backup())["name"]
    await home.restore(name)
    await home.bear.app.backups.tend()
    assert len((await home.status())["undo"]) == 1
    [kept] = (home.folder / "before-restore").iterdir()
    kept.rename(kept.with_name("state-20200101T000000000Z"))
    await home.bear.app.backups.tend()
    assert list((home.folder / "before-restore").iterdir()) == []


async def test_a_former_state_whose_days_end_while_it_is_brought_back_comes_back(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = (await home.backup())["name"]
    await home.note("new")
    await home.restore(name)
    put_intent, loop, service = Papers.put_intent, asyncio.get_running_loop(), home.bear.app.backups

    def and_tend_meanwhile(papers: Papers, intent: Intent) -> None:
        monkeypatch.undo()
        service.clock = lambda: datetime.now(UTC) + timedelta(days=1000)
        asyncio.run_coroutine_threadsafe(service.tend(), loop).result(30)
        put_intent(papers, intent)

    monkeypatch.setattr(Papers, "put_intent", and_tend_meanwhile)
    assert (await home.undo())["last_restore"]["outcome"] == "undone"
    assert await home.titles() == ["new"]


def titles(answer: httpx2.Response) -> list[str]:
    """Of notifications; none yet while the server asks for patience."""
    if answer.status_code in (429, 503):
        return []
    assert answer.status_code == 200, answer.text
    return [row["title"] for row in answer.json()["data"]]


async def test_admins_are_told_how_it_ended(home: House) -> None:
    ada = await home.bear.person("ada", "admin")
    name = (await home.backup())["name"]
    await home.restore(name)
    again = await home.bear.client(authorization=ada.headers["authorization"])
    async with asyncio.timeout(10):
        while not (told := titles(await again.get("/api/v1/notifications"))):
            await asyncio.sleep(0)
    assert told == ["A backup was restored"]
    await home.start_again()
    again = await home.bear.client(authorization=ada.headers["authorization"])
    assert (await again.get("/api/v1/notifications")).json()["count"] == 1
