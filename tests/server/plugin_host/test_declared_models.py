"""What a plugin says of its models: a slip of the pen is refused with words, and what is left out means none."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from tests.conftest import Bear
from tests.server.plugin_host.tests_plugin_support import on, switch, wheel, write

pytestmark = pytest.mark.anyio

MODEL = """
from sqlalchemy import Integer, Text
from sqlalchemy.orm import Mapped
from server.plugin_api import OWN, Base, ModelOptions, Owned, Record, field

class Book({bases}Record, Base):
    __tablename__ = "shelf_books"
    __options__ = ModelOptions(label="Book", label_plural="Books", description="Books.", {options})
    name: Mapped[str] = field(Text, label="Name", required=True{field})
    other_id: Mapped[int | None] = field(Integer, label="Other"{other})
"""


def declared(
    folder: Path, options: str = 'group="plugins"', field: str = "", other: str = "", bases: str = "Owned, "
) -> None:
    write(folder, "shelf", models=MODEL.format(options=options, field=field, other=other, bases=bases))


async def test_a_verb_that_the_rules_leave_out_is_none_for_members(
    house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    declared(folder, 'access={"member": {"list": "all", "read": "all"}}')
    assert (await on(ada, "shelf"))["state"] == "on"
    bo = await house.person("bo", "member")
    described = (await bo.get("/api/v1/models")).json()["data"]
    [book] = [model for model in described if model["name"] == "shelf_books"]
    assert book["verbs"] == {"list": "all", "read": "all", "create": "none", "update": "none", "delete": "none"}
    assert (await bo.get("/api/v1/shelf_books")).status_code == 200
    assert (await bo.post("/api/v1/shelf_books", json={"name": "Emma"})).status_code == 403


async def test_what_is_unique_for_each_person_is_refused_twice_and_free_for_another(
    house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    declared(folder, 'access={"member": OWN}', ", unique_per_owner=True")
    await on(ada, "shelf")
    bo, cy = await house.person("bo", "member"), await house.person("cy", "member")
    assert (await bo.post("/api/v1/shelf_books", json={"name": "Emma"})).status_code == 201
    twice = await bo.post("/api/v1/shelf_books", json={"name": "Emma"})
    assert (twice.status_code, twice.json()["fields"]["name"]["code"]) == (409, "not_unique")
    assert (await cy.post("/api/v1/shelf_books", json={"name": "Emma"})).status_code == 201
    again = await bo.post("/api/v1/shelf_books?upsert=name", json={"name": "Emma"})
    assert again.status_code == 200, again.text


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        ({"options": 'group="mine"'}, "group: found 'mine', wanted one of yours, plugins, system"),
        ({"options": 'access={"membre": OWN}'}, "access: found 'membre', wanted one of member, guest"),
        ({"options": 'access={"member": {"raed": "all"}}'}, "access of member: found 'raed', wanted one of list, read"),
        ({"options": 'access={"member": {"read": "some"}}'}, "access of member, read: found 'some', wanted one of"),
        ({"options": 'title_field="titel"'}, "title_field: found 'titel', wanted one of id, name"),
        ({"options": 'verbs=("list", "peek")'}, "verbs: found 'peek'"),
        ({"options": 'access={"member": OWN}', "bases": ""}, "'own' needs an owner: class …(Owned, Record, Base)"),
        ({"field": ", unique_per_owner=True", "bases": ""}, "name: unique_per_owner needs an owner"),
        ({"field": ", maximun=3"}, "field() knows no 'maximun'; did you mean 'maximum'?"),
        ({"other": ', references="shelf_boks"'}, "shelf_books.other_id refers to 'shelf_boks', which is no model"),
    ],
)
async def test_a_slip_of_the_pen_is_told_with_what_may_stand_there(
    house: Bear, ada: httpx2.AsyncClient, folder: Path, said: dict[str, str], refusal: str
) -> None:
    declared(folder, **said)
    row = await on(ada, "shelf")
    assert row["state"] == "failed" and refusal in row["error"]
    declared(folder)
    mended = await switch(ada, "shelf", "reload")
    assert mended.json()["data"]["state"] == "on", mended.text


async def test_a_yes_said_before_the_libraries_are_there_holds_once_they_are(
    house: Bear, ada: httpx2.AsyncClient, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    wheel(shelf, "gbtest_yes", "1.0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    write(folder, "weather", permissions=["network", "secrets"], requirements=["gbtest-yes"])
    assert (await on(ada, "weather", "network", "secrets"))["state"] == "failed"
    told = (await ada.post("/api/v1/plugins/weather/libraries", json={})).json()["data"]
    assert (told["plugin"]["state"], told["plugin"]["error"]) == ("on", None)
    assert told["plugin"]["permissions"] == ["network", "secrets"]
    await switch(ada, "weather", "disable")


async def test_what_is_not_there_is_not_called_off(house: Bear, ada: httpx2.AsyncClient) -> None:
    answer = await switch(ada, "nobody", "reload")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_plugin")
