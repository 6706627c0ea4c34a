"""Where the data lie, over REST: who is told, what is looked at first, and what is left for the server to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from server.data_folder import DataFolder
from server.data_move import asked_for
from tests.conftest import Bear

pytestmark = pytest.mark.anyio
URL = "/api/v1/server/data-folder"


@pytest.fixture
def starts(bear: Bear) -> Iterator[list[str]]:
    """One entry for each time that the server was to begin anew."""
    found: list[str] = []
    bear.app.when_restart_is_asked = lambda: found.append("again")
    yield found
    bear.app.when_restart_is_asked = None


def folder_of(bear: Bear) -> DataFolder:
    return DataFolder(bear.app.settings.current.data_dir)


async def test_only_admins_are_told_and_decide(
    bear: Bear,
    starts: list[str],
    nobody: httpx2.AsyncClient,
    guest_role: httpx2.AsyncClient,
    member: httpx2.AsyncClient,
    tmp_path: Path,
) -> None:
    for client, status in ((nobody, 401), (guest_role, 403), (member, 403)):
        answers = (
            await client.get(URL),
            await client.post(f"{URL}/move", json={"to": str(tmp_path / "new")}),
            await client.post(f"{URL}/move", json={"to": str(tmp_path / "new"), "dry_run": True}),
        )
        for answer in answers:
            assert answer.status_code == status
            assert str(folder_of(bear).path) not in answer.text
    assert starts == [] and not asked_for(folder_of(bear)) and not (tmp_path / "new").exists()


async def test_a_look_changes_nothing_and_the_move_is_left_for_the_next_life(
    bear: Bear, admin: httpx2.AsyncClient, starts: list[str], tmp_path: Path
) -> None:
    folder, new = folder_of(bear), tmp_path / "new place"
    shown = (await admin.get(URL)).json()["data"]
    assert shown["path"] == str(folder.path) and shown["bytes"] > 0 and shown["last_problem"] is None
    look = await admin.post(f"{URL}/move", json={"to": str(new), "dry_run": True})
    assert look.status_code == 202
    plan = look.json()["data"]
    assert plan["moving"] is False and plan["from"] == str(folder.path) and plan["files"] > 0
    assert starts == [] and not asked_for(folder) and not new.exists()
    begun = (await admin.post(f"{URL}/move", json={"to": str(new)})).json()["data"]
    assert begun["moving"] is True and starts == ["again"]
    assert json.loads((folder.run / "move.json").read_text("utf-8")) == {"to": str(new)}
    [entry] = (await admin.get("/api/v1/audit_entries?kind=data_folder_move")).json()["data"]
    assert str(new) in entry["detail"]


@pytest.mark.parametrize(
    ("to", "status", "code"),
    [
        ("new", 422, "validation_error"),
        ("", 422, "validation_error"),
        ("/tmp/a\0b", 422, "validation_error"),
        ("{folder}", 422, "validation_error"),
        ("{folder}/inside", 422, "validation_error"),
        ("{folder}/../{name}/x", 422, "validation_error"),
        ("{full}", 409, "not_empty"),
        ("{full}/letter.txt", 409, "not_empty"),
    ],
)
async def test_what_can_not_be_is_refused_before_anything_happens(
    bear: Bear, admin: httpx2.AsyncClient, starts: list[str], tmp_path: Path, to: str, status: int, code: str
) -> None:
    folder = folder_of(bear)
    full = tmp_path / "full"
    full.mkdir()
    (full / "letter.txt").write_text("mine", "utf-8")
    target = to.format(folder=folder.path, name=folder.path.name, full=full)
    answer = await admin.post(f"{URL}/move", json={"to": target})
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert starts == [] and not asked_for(folder)
    assert [one.name for one in full.iterdir()] == ["letter.txt"]
