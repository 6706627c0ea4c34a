"""Any rules, any question: nothing that the rules keep from a person is in any answer, count, order or refusal."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.access.actor import Actor
from server.rest_api.event_stream import EventStreams
from tests.server.access.access_oracle import VERBS, Oracle, Rule
from tests.server.access.access_scene import FIELDS, ITEMS, PLACES, SECRET, Scene
from tests.server.records.tests_world_support import profile, running_world

FAST, SLOW, SOAK = 8, 30, 10_000

NEVER = 9_000_000
_TIMES = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
_SECONDS = re.compile(r'"(seconds|request_id)":("?)[\w.]+\2')


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with running_world(tmp_path_factory.mktemp("access") / "data") as world:
        yield Scene(world)


@st.composite
def rules(draw: st.DrawFn) -> list[Rule]:
    found: dict[tuple[str, str, str], Rule] = {}
    for _ in range(draw(st.integers(0, 7))):
        model = draw(st.sampled_from([ITEMS, ITEMS, PLACES]))
        names = [it["name"] for it in FIELDS[model]]
        case = (draw(st.sampled_from(["member", "friends"])), model, draw(st.sampled_from(["any", *VERBS])))
        hidden = tuple(draw(st.lists(st.sampled_from(names), max_size=3, unique=True)))
        found[case] = Rule(*case, draw(st.sampled_from(["none", "own", "all"])), hidden)
    return list(found.values())


def oracle_of(made: list[Rule]) -> Oracle:
    return Oracle(made, ("friends",), {ITEMS: "own", PLACES: "all"}, frozenset((PLACES,)))


def open_values(scene: Scene, oracle: Oracle) -> set[str]:
    """Every value that max may learn by some verb."""
    found: set[str] = set()

    def add(model: str, row: dict[str, Any], *verbs: str) -> None:
        for verb in verbs:
            seen = oracle.seen(model, verb, row, scene.mine(row))
            found.update(str(row[name]) for name in SECRET[model] if name in seen)

    for model in (ITEMS, PLACES):
        for row in scene.rows[model].values():
            add(model, row, "list", "read")
    for earlier in scene.old.values():
        for row in earlier:
            add(ITEMS, row, "read")
    for row in scene.gone.values():
        add(ITEMS, row, "list", "read")
    return found


def all_values(scene: Scene) -> set[str]:
    rows = [(ITEMS, row) for row in (*scene.rows[ITEMS].values(), *scene.gone.values())]
    rows += [(ITEMS, row) for earlier in scene.old.values() for row in earlier]
    rows += [(PLACES, row) for row in scene.rows[PLACES].values()]
    return {str(row[name]) for model, row in rows for name in SECRET[model]}


def answers(scene: Scene, client: httpx2.AsyncClient) -> Iterator[tuple[str, str]]:
    """What max gets by asking for everything, without knowing anything."""
    names = {model: ["id", *(it["name"] for it in FIELDS[model])] for model in (ITEMS, PLACES)}
    ids = [*scene.rows[ITEMS], *scene.gone, NEVER]
    paths = ["models", f"models/{ITEMS}", f"models/{PLACES}", f"{ITEMS}/deleted", f"{PLACES}/deleted"]
    for model, fields in names.items():
        paths += [model, f"{model}?limit=2&total=false", f"{model}?q=secret", f"{model}/aggregate"]
        paths += [f"{model}/export?format={it}" for it in ("csv", "json", "jsonl")]
        for name in fields:
            paths += [f"{model}?sort=-{name}&limit=1", f"{model}?fields={name}", f"{model}/aggregate?group_by={name}",
                      f"{model}/aggregate?min={name}&max={name}", f"{model}?{name}__is_null=true"]  # fmt: skip
    paths += [f"{ITEMS}?expand=place", f"{ITEMS}/aggregate?sum=amount"]
    for row in ids:
        paths += [f"{ITEMS}/{row}", f"{ITEMS}/{row}?expand=place", f"{ITEMS}/{row}/history"]
        paths += [f"access/explain?model={ITEMS}&verb={verb}&id={row}" for verb in VERBS]
    paths += [f"{PLACES}/{row}" for row in (*scene.rows[PLACES], NEVER)]
    for path in paths:
        yield path, scene.world.ask(client, "GET", path).text
    for row in ids:
        for operation in (
            {"verb": "update", "id": row, "values": {}}, {"verb": "delete", "id": row},
            {"verb": "replace", "id": row, "values": {"title": "new"}},
        ):  # fmt: skip
            yield str(operation), dry(scene, client, {**operation, "model": ITEMS}).text
    yield "bulk", scene.world.ask(client, "PATCH", f"{ITEMS}/bulk?all=true&dry_run=true", json={"amount": 1}).text
    yield "bulk delete", scene.world.ask(client, "DELETE", f"{ITEMS}/bulk?all=true&dry_run=true").text
    yield "bulk code", scene.world.ask(client, "PATCH", f"{ITEMS}/bulk?all=true&dry_run=true", json={"code": "x"}).text
    yield "openapi", scene.world.run(client.get("/api/openapi.json")).text


def dry(scene: Scene, client: httpx2.AsyncClient, *operations: dict[str, Any]) -> httpx2.Response:
    return scene.world.ask(client, "POST", "batch?dry_run=true", json={"operations": operations})


def told(answer: httpx2.Response, value: Any) -> tuple[int, str]:
    """An answer without what is different anyway: the value that was asked for, times and request ids."""
    text = _SECONDS.sub("", _TIMES.sub("T", answer.text))
    return answer.status_code, re.sub(rf"(?<!\w){re.escape(str(value))}(?!\w)", "V", text)


def the_same(scene: Scene, ask: Callable[[Any], httpx2.Response], secret: Any, free: Any, what: str) -> None:
    """A question that names a secret is answered like one that names nothing."""
    assert told(ask(secret), secret) == told(ask(free), free), what


def getting(scene: Scene, path: str) -> Callable[[Any], httpx2.Response]:
    """Max reads an address that has a value in it."""
    return lambda value: scene.world.ask(scene.max, "GET", path % value)


def trying(scene: Scene, operation: dict[str, Any], name: str) -> Callable[[Any], httpx2.Response]:
    """Max tries an operation in which a value stands at `name`."""

    def try_it(value: Any) -> httpx2.Response:
        if name in ("place", "code"):
            return dry(scene, scene.max, {**operation, "model": ITEMS, "values": {"title": "x", name: value}})
        return dry(scene, scene.max, {**operation, "model": ITEMS, name: value})

    return try_it


def check_answers(scene: Scene, oracle: Oracle) -> None:
    closed = all_values(scene) - open_values(scene, oracle)
    for client in (scene.max, scene.reader):
        for what, text in answers(scene, client):
            leaked = {value for value in re.findall(r"secret\d+x|77\d{6}", text) if value in closed}
            assert not leaked, f"{what} tells {leaked}"


def check_counts(scene: Scene, oracle: Oracle) -> None:
    right = oracle.right(ITEMS, "list")
    reached = [row for row in scene.rows[ITEMS].values() if oracle.reaches(ITEMS, "list", scene.mine(row))]
    for client in (scene.max, scene.reader):
        answer = scene.world.ask(client, "GET", f"{ITEMS}?limit=500")
        if right.extent == "none":
            assert answer.status_code in (403, 404)
            continue
        body = answer.json()
        assert body["count"] == len(reached) and [it["id"] for it in body["data"]] == [it["id"] for it in reached]
        assert body["data"] == [{k: v for k, v in row.items() if k not in right.hidden} for row in reached]
        summed = scene.world.ask(client, "GET", f"{ITEMS}/aggregate?sum=amount")
        if "amount" in right.hidden:
            assert summed.status_code == 422
        else:
            total = sum(row["amount"] for row in reached) if reached else None
            assert summed.json()["data"] == [{"count": len(reached), "sum": {"amount": total}}]
        for name in ("title", "body"):
            for row in scene.rows[ITEMS].values():
                found = scene.world.ask(client, "GET", f"{ITEMS}?q={row[name]}")
                if right.hidden >= {"title", "body"}:
                    assert found.status_code == 422
                else:
                    assert found.json()["count"] == int(row in reached and name not in right.hidden)
        deleted = scene.world.good(client, "GET", f"{ITEMS}/deleted")
        assert deleted["count"] == sum(oracle.reaches(ITEMS, "list", scene.mine(it)) for it in scene.gone.values())


def check_ids(scene: Scene, oracle: Oracle) -> None:
    """A record out of a verb's reach answers like one that never was."""
    ask, client = scene.world.ask, scene.max
    writes: dict[str, tuple[dict[str, Any], ...]] = {
        "update": ({"verb": "update", "values": {"amount": 1}}, {"verb": "replace", "values": {"title": "x"}},
                   {"verb": "update", "values": {"amount": 1}, "if_match": "x"}),
        "delete": ({"verb": "delete"}, {"verb": "delete", "if_match": "x"}),
    }  # fmt: skip
    for row in (*scene.rows[ITEMS].values(), *scene.gone.values()):
        present, mine, number = row["id"] in scene.rows[ITEMS], scene.mine(row), row["id"]
        if not oracle.reaches(ITEMS, "read", mine):
            for path in (f"{ITEMS}/%d", f"{ITEMS}/%d?expand=place", f"{ITEMS}/%d/history"):
                the_same(scene, getting(scene, path), number, NEVER, path)
            if not present:
                the_same(scene, lambda it: ask(client, "POST", f"{ITEMS}/{it}/restore"), number, NEVER, "restore")
        for verb in VERBS:
            if not oracle.reaches(ITEMS, verb, mine):
                path = f"access/explain?model={ITEMS}&verb={verb}&id=%d"
                the_same(scene, getting(scene, path), number, NEVER, path)
        for verb, operations in writes.items():
            if present and oracle.reaches(ITEMS, verb, mine):
                continue
            for one in operations:
                the_same(scene, trying(scene, one, "id"),
                         number, NEVER, str(one))  # fmt: skip
    for number in scene.rows[PLACES]:
        if not oracle.reaches(PLACES, "read", mine=False):
            for verb in ("create", "upsert"):
                one = {"verb": verb, **({"key": "code"} if verb == "upsert" else {})}
                the_same(
                    scene,
                    trying(scene, one, "place"),
                    number, NEVER, "a reference",
                )  # fmt: skip
            the_same(scene, lambda it: file_of(scene, f"title,place\nx,{it}\n"), number, NEVER, "an imported reference")


def file_of(scene: Scene, text: str) -> httpx2.Response:
    return scene.world.ask(scene.max, "POST", f"{ITEMS}/import?dry_run=true&format=csv", content=text.encode())


def check_values(scene: Scene, oracle: Oracle) -> None:
    """A value that is out of reach answers like one that nobody has."""
    ask, client = scene.world.ask, scene.max
    right = oracle.right(ITEMS, "list")
    for row in scene.rows[ITEMS].values():
        mine = scene.mine(row)
        reached = oracle.reaches(ITEMS, "list", mine)
        for name in SECRET[ITEMS]:
            if reached and name not in right.hidden:
                continue
            free = 77_999_999 if name == "amount" else "secret999x"
            for path in (
                f"{ITEMS}?{name}=%s", f"{ITEMS}?{name}__ne=%s", f"{ITEMS}?{name}__gt=%s&total=false",
                f"{ITEMS}?{name}__in=%s", f"{ITEMS}/aggregate?{name}=%s", f"{ITEMS}/export?{name}=%s",
                f"{ITEMS}?q=%s", f'{ITEMS}?q="%s"',
            ):  # fmt: skip
                if "gt" in path and reached:
                    continue
                the_same(scene, getting(scene, path), row[name], free, path)

            def by_domain(it: Any, name: str = name) -> httpx2.Response:
                return ask(client, "GET", ITEMS, params={"domain": json.dumps(["!", [name, "=", it]])})

            def in_bulk(it: Any, name: str = name) -> httpx2.Response:
                return ask(client, "DELETE", f"{ITEMS}/bulk?dry_run=true", params={"dry_run": "true", name: it})

            the_same(scene, by_domain, row[name], free, "a domain")
            the_same(scene, in_bulk, row[name], free, "bulk")
        if not mine:
            for one in ({"verb": "create"}, {"verb": "upsert", "key": "code"}):
                the_same(
                    scene,
                    trying(scene, one, "code"),
                    row["code"], "secret999x", "a unique value of somebody else",
                )  # fmt: skip
            the_same(scene, lambda it: file_of(scene, f"title,code\nx,{it}\n"), row["code"], "secret999x", "imported")
        if oracle.reaches(ITEMS, "update", mine) and not oracle.reaches(ITEMS, "read", mine):
            change = {"verb": "update", "id": row["id"], "values": dict[str, Any]()}
            the_same(scene, trying(scene, change, "if_match"),
                     scene.tags[row["id"]], '"0123456789abcdef"', "an entity tag")  # fmt: skip


def check_events(scene: Scene, oracle: Oracle) -> None:
    """Max hears of the changes of records that max may list."""
    app = scene.world.bear.app
    streams = EventStreams(app.records, app._events, lambda: 0.0, lambda _actor: True, heartbeat_seconds=0.01)
    actor = Actor(kind="user", user_id=scene.ids["max"], username="max", role="member")
    stream = streams.open(actor, "", None)

    async def heard() -> str:
        assert (await anext(stream)).startswith(b"retry: 2000\n")
        text = b""
        for row in scene.rows[ITEMS]:
            await scene.admin.patch(f"/api/v1/{ITEMS}/{row}", json={})
        while not text.endswith(b": still here\n\n"):
            text += await anext(stream)
        await stream.aclose()
        return text.decode()

    told = [json.loads(it[6:]) for it in scene.world.run(heard()).splitlines() if it.startswith("data: ")]
    # Once a minute the last use of max's tokens is stored, which max may hear of too.
    told_of = [it["id"] for it in told if it["model"] != "api_tokens"]
    expected = [row["id"] for row in scene.rows[ITEMS].values() if oracle.reaches(ITEMS, "list", scene.mine(row))]
    assert told_of == expected
    for row in scene.rows[ITEMS]:
        scene.rows[ITEMS][row] = scene.world.good(scene.admin, "GET", f"{ITEMS}/{row}")["data"]
        scene.tags[row] = scene.world.ask(scene.admin, "GET", f"{ITEMS}/{row}").headers["etag"]


def check_scopes(scene: Scene) -> None:
    """A token that may only read reads what its owner reads, and changes nothing."""
    for path in (ITEMS, PLACES, f"{ITEMS}?expand=place", f"{ITEMS}/deleted"):
        with_it, without = (scene.world.ask(client, "GET", path) for client in (scene.reader, scene.max))
        assert with_it.status_code == without.status_code or {404, 403} == {with_it.status_code, without.status_code}
        assert with_it.status_code != 200 or with_it.text == without.text
    ask, client, some = scene.world.ask, scene.reader, next(iter(scene.rows[ITEMS]))
    for answer in (
        ask(client, "POST", ITEMS, json={"title": "x"}), ask(client, "PATCH", f"{ITEMS}/{some}", json={}),
        ask(client, "PUT", f"{ITEMS}/{some}", json={"title": "x"}), ask(client, "DELETE", f"{ITEMS}/{some}"),
        ask(client, "POST", f"{ITEMS}/{some}/restore"), ask(client, "DELETE", f"{ITEMS}/bulk?all=true"),
        ask(client, "POST", f"{ITEMS}/import?format=csv", content=b"title\nx\n"),
        ask(client, "POST", f"{ITEMS}?upsert=code", json={"title": "x", "code": "y"}),
        ask(client, "PATCH", f"{ITEMS}/bulk?all=true", json={"amount": 1}), dry(scene, client, {"verb": "delete",
        "model": ITEMS, "id": some}),
    ):  # fmt: skip
        assert answer.status_code in (403, 404), answer.text


def looked_at(scene: Scene, examples: int) -> None:
    @profile(examples)
    @given(rules())
    def look(made: list[Rule]) -> None:
        scene.put_in_force(made)
        oracle = oracle_of(made)
        check_answers(scene, oracle)
        check_counts(scene, oracle)
        check_ids(scene, oracle)
        check_values(scene, oracle)
        check_events(scene, oracle)
        check_scopes(scene)

    look()


def test_nothing_leaks_under_any_rules(scene: Scene) -> None:
    looked_at(scene, FAST)


@pytest.mark.slow
def test_nothing_leaks_under_many_rules(scene: Scene) -> None:
    looked_at(scene, SLOW)


@pytest.mark.soak
def test_nothing_leaks_under_ten_thousand_rules(scene: Scene) -> None:
    looked_at(scene, SOAK)
