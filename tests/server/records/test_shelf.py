"""What is kept of prepared models when others change is what preparing all of them anew would give."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from server.access.actor import OWNER, Actor
from server.records.prepared import PreparedModel
from server.records.shelf import Shelf
from tests.conftest import Bear

pytestmark = pytest.mark.anyio
STEPS = 30
MODELS = ("ants", "bees", "cats", "dogs", "eels")
LOOKED_AT = (*MODELS, "notes", "files")
AGAIN: dict[str, Callable[..., str]] = {
    "read": PreparedModel.read,
    "create": lambda model, shown, with_id: model.create(shown, with_id=with_id),
    "many": PreparedModel.insert_many,
    "span": PreparedModel.span,
    "update": PreparedModel.update,
    "delete": PreparedModel.delete,
    "where": lambda model, shape, columns, limited: model.columns_where(shape, columns, limited=limited),
    "referring": PreparedModel.referring,
}
"""How each text of a prepared model is asked for, by what begins its key."""


class World:
    """Models that come, change and go, as `chance` wants."""

    def __init__(self, bear: Bear, admin: httpx2.AsyncClient, chance: random.Random) -> None:
        self.shelf = bear.app.records.shelf
        self._records = bear.app.records
        self._admin = admin
        self._chance = chance
        self._people = (OWNER, Actor(kind="user", user_id=bear.ids["max"], username="max", role="member"))

    async def change(self) -> bool:
        """Whether something was changed; what has rows, or is referred to, may be refused."""
        model = self._chance.choice(MODELS)
        address = f"/api/v1/models/{model}"
        if model not in self.shelf.models:
            body = {"name": model, "label": model, "label_plural": model, "fields": self._fields(model)}
            return (await self._admin.post("/api/v1/models", json=body)).is_success
        deed = self._chance.choice(("change", "change", "index", "drop"))
        if deed == "change":
            body = {"fields": self._fields(model)}
            return (await self._admin.patch(f"{address}?confirm=true", json=body)).is_success
        if deed == "index":
            field = self._chance.choice(self.shelf.models[model].columns)
            body = {"model": model, "fields": [field, "id"]}
            assert (await self._admin.post("/api/v1/server/indexes", json=body)).status_code in (201, 409, 422)
            # An index alone lets the lists of other models be planned as before.
            return (await self._admin.patch(address, json={"label": field})).is_success
        return (await self._admin.delete(f"{address}?confirm=true")).is_success

    async def look(self) -> None:
        """Ask for rows in the ways that make texts and plans."""
        for name in LOOKED_AT:
            if name not in self.shelf.models:
                continue
            prepared = self.shelf.models[name]
            relations = ",".join(relation for relation, _ in prepared.relations)
            column = self._chance.choice(prepared.spec.shown)
            for actor in self._people:
                asked = [("sort", column)] if column not in (*prepared.json_columns, *prepared.bytes_columns) else []
                expanded = [("expand", relations)] if relations else []
                await self._records.list_page(actor, name, [*asked, *expanded, ("limit", "5")])
            if name in MODELS:
                row = await self._records.create(OWNER, name, {"name": "One"})
                await self._records.update(OWNER, name, row["id"], {"name": "Two"})
                await self._records.delete(OWNER, name, row["id"])

    def _fields(self, model: str) -> list[dict[str, Any]]:
        others = [name for name in ("notes", *MODELS) if name in self.shelf.models and name != model]
        fields: list[dict[str, Any]] = [{"name": "name", "type": "text", "indexed": self._chance.random() < 0.5}]
        for name in ("first", "second", "third"):
            type_ = self._chance.choice(("none", "text", "integer", "boolean", "json", "bytes", "file", "relation"))
            if type_ == "relation":
                fields.append({"name": name, "type": type_, "references": self._chance.choice(others)})
            elif type_ != "none":
                fields.append({"name": name, "type": type_})
        return fields


def compare(shelf: Shelf) -> None:
    """Hold the shelf against a whole preparation."""
    made = shelf.made_indexes()
    assert set(shelf.models) == {spec.name for spec in shelf.registry}
    for spec in shelf.registry:
        known = shelf.models[spec.name]
        whole = PreparedModel(spec, shelf.store, shelf.vault)
        whole.indexed(made.get(spec.name, ()))
        caches = ("_texts", "_shapes")
        known_parts, whole_parts = ({n: v for n, v in vars(m).items() if n not in caches} for m in (known, whole))
        assert known_parts == whole_parts
        for key, text in known._texts.items():
            assert AGAIN[key[0]](whole, *key[1:]) == text
        for shape, planned in known.shapes():
            assert whole.list_of(shape) == planned


@pytest.mark.parametrize("seed", range(2))
async def test_after_any_changes_of_models_everything_is_as_if_all_had_been_prepared_anew(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, seed: int
) -> None:
    world = World(bear, admin, random.Random(seed))
    changes = 0
    for _ in range(STEPS):
        changes += await world.change()
        compare(world.shelf)
        await world.look()
        compare(world.shelf)
    assert changes > STEPS // 3


async def test_a_change_of_one_model_leaves_the_statements_of_the_others_prepared(
    bear: Bear, admin: httpx2.AsyncClient
) -> None:
    shelf = bear.app.records.shelf
    await admin.get("/api/v1/notes")
    before = dict(shelf.models)
    body = {"name": "ants", "label": "Ant", "label_plural": "Ants", "fields": [{"name": "name", "type": "text"}]}
    assert (await admin.post("/api/v1/models", json=body)).status_code == 201
    ants = shelf.models["ants"]
    assert {name: shelf.models[name] for name in before} == before
    assert (await admin.patch("/api/v1/models/ants", json={"label": "An ant"})).status_code == 200
    assert shelf.models["ants"] is not ants and shelf.models["notes"] is before["notes"]
