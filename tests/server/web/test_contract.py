"""Requests made from /api/openapi.json, good and bad: nothing breaks, and answers are what the document says."""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.server.records.tests_world_support import World, profile, running_world

EXAMPLES = 10
SOAK = int(os.environ.get("GRIDBEAR_SOAK_CASES", "1500"))
PEOPLE = ("ada", "max", "gus")
"""An admin, a member and a guest."""
ALIKE = ("notes", "books", "users")
"""Models that stand for all: their operations are made from the same descriptors."""
# What ends the test itself: its sign-in, its streams, the models it knows.
LEFT_OUT = ("/auth/", "/_desktop/", "/api/v1/events")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    options = {"internal_api_secret": "the internal secret of the tests"}
    with running_world(tmp_path_factory.mktemp("contract") / "data", **options) as running:
        admin = running.people["ada"]
        running.person("max")
        running.person("gus", "guest")
        books = {
            "name": "books", "label": "Book", "fields": [
                {"name": kind, "type": kind} for kind in ("text", "integer", "number", "boolean", "date", "datetime",
                                                          "json", "tags", "bytes", "email", "url")],
        }  # fmt: skip
        running.good(admin, "POST", "models", json=books)
        yield running


def document_for(world: World, who: str) -> dict[str, Any]:
    found: dict[str, Any] = world.run(world.people[who].get("/api/openapi.json")).json()
    models = {it["name"] for it in world.good(world.people["ada"], "GET", "models")["data"]} - set(ALIKE)
    left_out = (*LEFT_OUT, *(f"/api/v1/{name}" for name in models))
    found["paths"] = {path: it for path, it in found["paths"].items() if not path.startswith(left_out)}
    return found


def document_of_doors(world: World, who: str) -> dict[str, Any]:
    """What signs people in and apps: for those who have nothing there that could be lost."""
    found: dict[str, Any] = world.run(world.people[who].get("/api/openapi.json")).json()
    doors = ("/auth/", "/oauth/", "/.well-known/", "/_desktop/", "/api/internal/")
    found["paths"] = {path: it for path, it in found["paths"].items() if path.startswith(doors)}
    return found


def cases_of(document: dict[str, Any]) -> list[tuple[str, str, st.SearchStrategy[Any]]]:
    with warnings.catch_warnings():
        # It brings libraries that warn at import.
        warnings.simplefilter("ignore")
        import schemathesis
        from schemathesis import GenerationMode
        from schemathesis.core.result import Ok

    schema = schemathesis.openapi.from_dict(document)
    found = []
    for result in schema.get_all_operations():
        operation = result.ok() if isinstance(result, Ok) else pytest.fail(str(result.err()))
        both = st.one_of(
            operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
            operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
        )
        found.append((operation.method.upper(), operation.path, both))
    return found


def send(world: World, client: httpx2.AsyncClient, case: Any) -> httpx2.Response:
    how = case.as_transport_kwargs(base_url="http://127.0.0.1:8088")
    request = {name: how[name] for name in ("params", "json", "data", "content") if how.get(name) is not None}
    if isinstance(request.get("data"), (bytes, str)):
        request["content"] = request.pop("data")
    headers = {
        name.encode(): str(value).encode()
        for name, value in dict(how["headers"] or {}).items()
        if name.lower() != "authorization"
    }
    return world.run(client.request(how["method"], how["url"], headers=headers, **request))


def conforms(document: dict[str, Any], verb: str, path: str, answer: httpx2.Response) -> None:
    """Whether an answer is one that the document tells of."""
    responses = document["paths"][path][verb.lower()]["responses"]
    assert answer.status_code < 500, answer.text
    told = responses.get(str(answer.status_code))
    if told is None:
        assert answer.status_code >= 400, f"{answer.status_code} is not in the document"
        told = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    content = told.get("content", {}).get("application/json", {}).get("schema")
    if answer.headers.get("content-type", "").startswith("application/json") and content is not None and verb != "HEAD":
        schema = {**content, "components": document["components"]}
        errors = list(Draft202012Validator(schema).iter_errors(answer.json()))
        assert not errors, (answer.status_code, errors[0].message[:300], list(errors[0].path), answer.text[:300])


def talk(world: World, who: str, document: dict[str, Any], examples: int) -> None:
    broken = []

    def try_out(verb: str, path: str, cases: st.SearchStrategy[Any]) -> None:
        # Without shrinking, which would take minutes for each.
        @settings(profile(examples), phases=[Phase.generate])
        @given(cases)
        def ask(case: Any) -> None:
            try:
                answer = send(world, world.people[who], case)
            except httpx2.InvalidURL:
                # Of more than 64 KB: that no client sends it is no answer of ours.
                return
            conforms(document, verb, path, answer)

        ask()

    for verb, path, cases in cases_of(document):
        try:
            try_out(verb, path, cases)
        except Exception as error:
            broken.append(f"{verb} {path}: {str(error)[:700]}")
    assert not broken, "\n\n".join(broken)


@pytest.mark.slow
@pytest.mark.parametrize("who", PEOPLE)
def test_answers_are_what_the_document_says(world: World, who: str) -> None:
    talk(world, who, document_for(world, who), EXAMPLES)


@pytest.mark.soak
@pytest.mark.parametrize("who", PEOPLE)
def test_very_many_answers_are_what_the_document_says(world: World, who: str) -> None:
    talk(world, who, document_for(world, who), SOAK)


@pytest.fixture
def patient(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every attempt comes so late after the one before that nobody waits: it is the answers that are looked at."""
    hours = itertools.count(1)
    monkeypatch.setattr(world.bear.app.people.sessions, "_clock", lambda: next(hours) * 3600.0)
    world.people["nobody"] = world.run(world.bear.client())


@pytest.mark.slow
@pytest.mark.parametrize("who", ["nobody", "gus"])
def test_the_doors_answer_what_the_document_says(world: World, patient: None, who: str) -> None:
    talk(world, who, document_of_doors(world, who), EXAMPLES)


@pytest.mark.soak
@pytest.mark.parametrize("who", ["nobody", "gus"])
def test_the_doors_very_often_answer_what_the_document_says(world: World, patient: None, who: str) -> None:
    talk(world, who, document_of_doors(world, who), SOAK)
