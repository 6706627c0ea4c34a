"""Moving house: one file and the phrase bring everything to another computer, secrets included."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from server.access.actor import SYSTEM
from tests.server.rest_api.tests_backup_support import URL, House, house

pytestmark = pytest.mark.anyio
CANARY = "canary-7d1f"
SERVER: dict[str, Any] = {
    "name": "clock", "transport": "stdio", "command": "/opt/clock/run", "env": {"KEY": CANARY},
}  # fmt: skip


@pytest.fixture
async def home(tmp_path: Path, anyio_backend: str) -> AsyncIterator[House]:
    async with house(tmp_path / "old") as found:
        yield found


async def keep_phrase(home: House) -> str:
    """A recovery phrase that is in force."""
    vault = home.bear.app.records.shelf.vault
    phrase = vault.propose_phrase()
    vault.confirm_phrase(phrase)
    return phrase


async def archive_of(home: House, **options: Any) -> bytes:
    answer = await home.owner.post(URL, json=options)
    assert answer.status_code == 201, answer.text
    return (await home.owner.get(f"{URL}/{answer.json()['data']['name']}/content")).content


async def sent(home: House, content: bytes) -> str:
    answer = await home.owner.post(f"{URL}/upload", content=content)
    assert answer.status_code == 201, answer.text
    name: str = answer.json()["data"]["name"]
    return name


@pytest.mark.parametrize("kind", ["backup", "move"])
async def test_the_file_and_the_phrase_bring_everything_secrets_included(
    home: House, tmp_path: Path, kind: str
) -> None:
    await home.owner.post("/api/v1/mcp_servers", json=SERVER)
    await home.note("here")
    phrase = await keep_phrase(home)
    content = await archive_of(home, kind=kind)
    assert CANARY.encode() not in content and phrase.encode() not in content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert not any(CANARY.encode() in archive.read(name) for name in archive.namelist())

    async with house(tmp_path / "new") as new:
        name = await sent(new, content)
        plan = (await new.owner.post(f"{URL}/{name}/restore", json={"dry_run": True})).json()["data"]
        assert plan["phrase_needed"] is True
        assert "/opt/clock/run" in str(plan["not_included"])
        before = sorted(path.name for path in (new.folder / "secrets").iterdir())
        wrong = "legal winner thank year wave sausage worth useful legal winner thank yellow"
        for given in (None, "", "no words", wrong):
            answer = await new.owner.post(f"{URL}/{name}/restore", json={"phrase": given})
            assert (answer.status_code, answer.json()["code"]) == (422, "wrong_phrase"), answer.text
        assert new.restarts == 0 and sorted(path.name for path in (new.folder / "secrets").iterdir()) == before
        assert not (new.folder / "restore" / "incoming").exists()

        status = await new.restore(name, phrase=phrase)
        assert status["last_restore"]["outcome"] == "restored" and status["phrase_kept"] is True
        assert await new.titles() == ["here"]
        [row] = await new.bear.app.records.shelf.store.read([("SELECT id, env FROM mcp_servers", {})])
        [(server_id, stored)] = row
        assert CANARY not in stored
        opened = await new.bear.app.records.reveal(SYSTEM, "mcp_servers", server_id)
        assert opened["env"] == {"KEY": CANARY}
        # The next backup there opens with the same phrase.
        assert (await new.backup(without_phrase=False))["secrets"] == "included"


async def test_secrets_that_were_never_wrapped_are_refused_elsewhere_and_work_at_home(
    home: House, tmp_path: Path
) -> None:
    await home.owner.post("/api/v1/mcp_servers", json=SERVER)
    made = await home.backup()
    assert made["secrets"] == "not included" and made["not_included"][0]["what"] == "secrets"
    content = (await home.owner.get(f"{URL}/{made['name']}/content")).content
    async with house(tmp_path / "new") as new:
        answer = await new.owner.post(f"{URL}/{await sent(new, content)}/restore", json={})
        assert (answer.status_code, answer.json()["code"]) == (409, "keys_missing")
        assert new.restarts == 0
    assert (await home.restore(made["name"]))["last_restore"]["outcome"] == "restored"


@pytest.mark.parametrize("kept", [False, True])
async def test_when_the_old_computer_and_the_phrase_are_gone_all_but_the_secrets_comes(
    home: House, tmp_path: Path, kept: bool
) -> None:
    server = (await home.owner.post("/api/v1/mcp_servers", json=SERVER)).json()["data"]
    for name in ("weather", "bank"):
        await home.owner.post("/api/v1/secrets", json={"name": name, "value": CANARY})
    await home.owner.post("/api/v1/secrets", json={"name": "none"})
    await home.note("here")
    if kept:
        await keep_phrase(home)
    content = await archive_of(home, without_phrase=not kept)
    losses = [{"model": "mcp_servers", "field": "env", "rows": 1}, {"model": "secrets", "field": "value", "rows": 2}]

    async with house(tmp_path / "new") as new:
        await new.owner.post("/api/v1/secrets", json={"name": "local", "value": "mine"})
        name = await sent(new, content)
        path = f"{URL}/{name}/restore"
        plan = (await new.owner.post(path, json={"dry_run": True, "without_secrets": True})).json()["data"]
        assert (plan["unreadable_secrets"], plan["phrase_needed"]) == (losses, kept)
        if kept:
            refused = await new.owner.post(path, json={"phrase": "no words", "without_secrets": True})
            assert (refused.status_code, refused.json()["code"]) == (422, "wrong_phrase")
        status = await new.restore(name, without_secrets=True)
        report = status["last_restore"]
        assert report["outcome"] == "restored" and report["lost_secrets"] == losses
        assert {row["now"] for row in report["models"] if row["model"] == "secrets"} == {3}
        assert await new.titles() == ["here"]
        [there] = (await new.owner.get("/api/v1/mcp_servers")).json()["data"]
        assert there["updated_at"] == server["updated_at"]
        records = new.bear.app.records
        assert (await records.reveal(SYSTEM, "mcp_servers", there["id"]))["env"] is None
        values = [row["value"] for row in records.all_now(SYSTEM, "secrets")]
        assert values == ["", "", None]
        # What lost its secrets says so, until they are set or cleared.
        tried = (await new.owner.post(f"/api/v1/gateway/{there['id']}/restart")).json()["data"]
        assert tried["state"] == "failed" and "env" in tried["error"] and "set it again" in tried["error"]
        assert await records.emptied(SYSTEM, "mcp_servers", there["id"]) == ["env"]
        await new.owner.patch(f"/api/v1/mcp_servers/{there['id']}", json={"env": None})
        assert await records.emptied(SYSTEM, "mcp_servers", there["id"]) == []
        # And back again: nothing of the present was touched.
        await new.undo()
        assert [row["value"] for row in new.bear.app.records.all_now(SYSTEM, "secrets")] == ["mine"]


async def test_where_everything_can_be_opened_without_secrets_loses_nothing(home: House) -> None:
    await home.owner.post("/api/v1/secrets", json={"name": "weather", "value": CANARY})
    made = await home.backup()
    plan = await home.owner.post(f"{URL}/{made['name']}/restore", json={"dry_run": True})
    assert plan.json()["data"]["unreadable_secrets"] == []
    status = await home.restore(made["name"], without_secrets=True)
    assert status["last_restore"]["lost_secrets"] == []
    assert [row["value"] for row in home.bear.app.records.all_now(SYSTEM, "secrets")] == [CANARY]


async def test_a_move_file_has_every_record_as_a_line_with_ids_and_times(home: House) -> None:
    definition = {"name": "books", "label": "Book", "label_plural": "Books",
                  "fields": [{"name": "title", "type": "text"}, {"name": "read", "type": "boolean"},
                             {"name": "price", "type": "number"}, {"name": "extra", "type": "json"}]}  # fmt: skip
    assert (await home.owner.post("/api/v1/models", json=definition)).status_code == 201
    book = {"title": "Bär 🐻\nzwei", "read": True, "price": 0.1, "extra": {"a": [1, None]}}
    kept = (await home.owner.post("/api/v1/books", json=book)).json()["data"]
    await home.bear.person("ada", "admin")
    with zipfile.ZipFile(io.BytesIO(await archive_of(home, kind="move", without_phrase=True))) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        [line] = archive.read("records/books.jsonl").decode().splitlines()
        assert json.loads(line) == kept
        for model, count in manifest["counts"].items():
            assert archive.read(f"records/{model}.jsonl").count(b"\n") == count, model
        models = {one["name"]: one for one in json.loads(archive.read("records/models.json"))}
        assert set(models) == set(manifest["counts"]) and models["books"]["made_here"] is True
        assert {one["name"]: one["type"] for one in models["books"]["fields"]}["price"] == "number"
        # Password hashes move too: people sign in as before.
        [ada] = [json.loads(text) for text in archive.read("records/users.jsonl").splitlines()]
        assert ada["password"].startswith("$argon2")


async def test_lines_that_are_missing_are_found(home: House, tmp_path: Path) -> None:
    await home.note("a")
    content = await archive_of(home, kind="move", without_phrase=True)
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(changed, "w") as new:
        manifest = json.loads(old.read("manifest.json"))
        for member in manifest["members"]:
            if member["name"] == "records/notes.jsonl":
                member.update(size=0, sha256=hashlib.sha256(b"").hexdigest())
        for name in old.namelist():
            data = b"" if name == "records/notes.jsonl" else old.read(name)
            new.writestr(name, json.dumps(manifest) if name == "manifest.json" else data)
    answer = await home.owner.post(f"{URL}/upload", content=changed.getvalue())
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_backup")
    assert "records/notes.jsonl" in answer.json()["error"]
