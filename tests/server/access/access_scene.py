"""Two models, three people, records that were changed and deleted: what the access oracle looks at."""

from __future__ import annotations

import json
from typing import Any

import httpx2

from tests.server.access.access_oracle import Rule
from tests.server.records.tests_world_support import World

ITEMS, PLACES = "items", "places"
FIELDS: dict[str, list[dict[str, Any]]] = {
    PLACES: [
        {"name": "label", "type": "text", "required": True, "searchable": True},
        {"name": "hush", "type": "text"},
    ],
    ITEMS: [
        {"name": "title", "type": "text", "required": True, "searchable": True, "default": "none"},
        {"name": "body", "type": "long_text", "searchable": True},
        {"name": "amount", "type": "integer", "indexed": True},
        {"name": "code", "type": "text", "unique": True},
        {"name": "place", "type": "relation", "references": PLACES},
    ],
}
SECRET = {ITEMS: ("title", "body", "amount", "code"), PLACES: ("label", "hush")}
"""Fields whose values are all different, so that one in an answer tells which record it came from."""


class Scene:
    """Two models with records of two members, some of them changed or deleted; max is the one who looks."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.admin = world.people["ada"]
        self.max = world.person("max")
        self.reader = world.person("max", scopes=["api:read"])
        self.olga = world.person("olga")
        self.ids = world.bear.ids
        self.number = 0
        for name, fields in FIELDS.items():
            model = {"name": name, "label": name, "fields": fields, "owned": name == ITEMS, "members": "all"}
            world.good(self.admin, "POST", "models", json={**model, "members": "own" if name == ITEMS else "all"})
        self.group = world.good(self.admin, "POST", "groups", json={"name": "friends"})["data"]["id"]
        member = {"group_id": self.group, "user_id": self.ids["max"]}
        world.good(self.admin, "POST", "group_members", json=member)
        self.rows: dict[str, dict[int, dict[str, Any]]] = {ITEMS: {}, PLACES: {}}
        self.old: dict[int, list[dict[str, Any]]] = {}
        """Values of items from before."""
        self.gone: dict[int, dict[str, Any]] = {}
        self.tags: dict[int, str] = {}
        self._count_from(PLACES, 7_000_000, {"label": self.word(), "hush": self.word()})
        values = {"title": self.word(), "body": self.word(), "code": self.word(), "amount": self._amount()}
        first = self._count_from(ITEMS, 8_000_000, {**values, "place": 7_000_000})
        world.good(self.admin, "DELETE", f"{ITEMS}/{first}")
        self.gone[first] = self.rows[ITEMS].pop(first)
        for _ in range(2):
            self._make(self.admin, PLACES, label=self.word(), hush=self.word())
        for client in (self.max, self.olga):
            for place in self.rows[PLACES]:
                self._item(client, place)
            changed = self._item(client, place)
            self.old[changed["id"]] = [changed]
            new = {"title": self.word(), "body": self.word(), "amount": self._amount()}
            self.rows[ITEMS][changed["id"]] = world.good(client, "PATCH", f"{ITEMS}/{changed['id']}", json=new)["data"]
            deleted = self._item(client, place)
            world.good(client, "DELETE", f"{ITEMS}/{deleted['id']}")
            self.gone[deleted["id"]] = self.rows[ITEMS].pop(deleted["id"])
        for row in self.rows[ITEMS]:
            self.tags[row] = world.ask(self.admin, "GET", f"{ITEMS}/{row}").headers["etag"]

    def word(self) -> str:
        self.number += 1
        return f"secret{self.number:03}x"

    def _amount(self) -> int:
        self.number += 1
        return 77_000_000 + self.number

    def _count_from(self, model: str, number: int, values: dict[str, Any]) -> int:
        """Ids that no other number in an answer could be taken for."""
        times = dict.fromkeys(("created_at", "updated_at"), "2026-01-02T03:04:05Z")
        line = json.dumps({"id": number, **times, **values}).encode()
        self.world.good(self.admin, "POST", f"{model}/import?format=jsonl&keep_ids=true", content=line)
        self.rows[model][number] = self.world.good(self.admin, "GET", f"{model}/{number}")["data"]
        return number

    def _make(self, client: httpx2.AsyncClient, model: str, **values: Any) -> dict[str, Any]:
        row: dict[str, Any] = self.world.good(client, "POST", model, json=values)["data"]
        self.rows[model][row["id"]] = row
        return row

    def _item(self, client: httpx2.AsyncClient, place: int) -> dict[str, Any]:
        values = {"title": self.word(), "body": self.word(), "code": self.word(), "amount": self._amount()}
        return self._make(client, ITEMS, **values, place=place)

    def mine(self, row: dict[str, Any]) -> bool:
        return row.get("owner_id") == self.ids["max"]

    def put_in_force(self, rules: list[Rule]) -> None:
        kept = self.world.good(self.admin, "GET", "access_rules?limit=500&fields=id")["data"]
        operations: list[dict[str, Any]] = [{"verb": "delete", "model": "access_rules", "id": it["id"]} for it in kept]
        for it in rules:
            subject = {"role": "member"} if it.subject == "member" else {"group_id": self.group}
            values = {**subject, "model": it.model, "verb": it.verb, "extent": it.extent, "hidden_fields": it.hidden}
            operations.append({"verb": "create", "model": "access_rules", "values": values})
        if operations:
            self.world.good(self.admin, "POST", "batch", json={"operations": operations})
