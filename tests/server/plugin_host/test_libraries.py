"""Libraries of plugins: fetched as wheels from a folder, never in front of ours, refused by name when they clash."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.plugin_host.libraries.wheels import BadWheel, unpack
from tests.conftest import Bear
from tests.server.plugin_host.tests_plugin_support import on, state, switch, wheel, write

pytestmark = pytest.mark.anyio

ROUTES = """
import gbtest_lib
from fastapi import APIRouter
router = APIRouter()
@router.get("/version")
async def version():
    return {"version": gbtest_lib.VERSION}
"""


@pytest.fixture(autouse=True)
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that pip takes wheels from, and nowhere else."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "none"))
    path = list(sys.path)
    yield folder
    assert sys.path == path
    for name in [name for name in sys.modules if name.startswith("gbtest")]:
        del sys.modules[name]


async def fetch(client: httpx2.AsyncClient, name: str, **body: Any) -> httpx2.Response:
    return await client.post(f"/api/v1/plugins/{name}/libraries", json=body)


async def test_a_missing_library_is_said_by_name_with_the_command_and_then_works(
    ada: httpx2.AsyncClient, folder: Path, shelf: Path, tmp_path: Path
) -> None:
    made = wheel(shelf, "gbtest_lib", "1.2", "gbtest_deep>=1")
    wheel(shelf, "gbtest_deep", "1.0")
    write(folder, "weather", routes=ROUTES, requirements=["gbtest-lib>=1"])
    row = await on(ada, "weather")
    assert row["state"] == "failed"
    assert "gbtest-lib>=1" in row["error"] and "gridbear plugin libraries weather" in row["error"]
    dry = (await fetch(ada, "weather", dry_run=True)).json()["data"]
    assert [it["name"] for it in dry["libraries"]] == ["gbtest-deep", "gbtest-lib"]
    assert not (tmp_path / "data" / "libraries").exists()
    done = await fetch(ada, "weather")
    assert done.status_code == 200, done.text
    told = done.json()["data"]
    assert (told["plugin"]["state"], told["restart"]) == ("on", False)
    assert [(it["name"], it["version"]) for it in told["libraries"]] == [("gbtest-deep", "1.0"), ("gbtest-lib", "1.2")]
    assert told["libraries"][1]["sha256"] == hashlib.sha256(made.read_bytes()).hexdigest()
    assert (await ada.get("/api/weather/version")).json() == {"version": "1.2"}
    shown = (await ada.get("/api/v1/plugins/weather/manifest")).json()["data"]
    assert shown["libraries"] == told["libraries"] and shown["manifest"]["requirements"] == ["gbtest-lib>=1"]
    assert sys.path[-1] == str(tmp_path / "data" / "libraries" / "weather")
    await switch(ada, "weather", "disable")
    assert str(tmp_path / "data" / "libraries" / "weather") not in sys.path
    await ada.post("/api/v1/plugins/weather/uninstall", json={})
    assert list((tmp_path / "data" / "libraries").iterdir()) == []
    assert not list((tmp_path / "data" / "tmp").iterdir())


async def test_one_that_the_program_has_is_enough_or_refused_by_both_versions(
    ada: httpx2.AsyncClient, folder: Path, shelf: Path, tmp_path: Path
) -> None:
    have = version("cryptography")
    write(folder, "good", requirements=["cryptography>=1"])
    assert (await on(ada, "good"))["state"] == "on"
    assert (await fetch(ada, "good")).json()["data"]["libraries"] == []
    write(folder, "bad", requirements=["cryptography==1.0"])
    row = await on(ada, "bad")
    assert row["state"] == "failed"
    assert "cryptography==1.0" in row["error"] and f"GridBear itself has cryptography {have}" in row["error"]
    wheel(shelf, "cryptography", "1.0")
    refused = await fetch(ada, "bad")
    assert (refused.status_code, refused.json()["code"]) == (409, "library_clash")
    assert not (tmp_path / "data" / "libraries" / "bad").exists()
    assert version("cryptography") == have


async def test_a_clash_deeper_down_is_refused_too(
    ada: httpx2.AsyncClient, folder: Path, shelf: Path, tmp_path: Path
) -> None:
    wheel(shelf, "gbtest_lib", "1.0", "cryptography==1.0")
    wheel(shelf, "cryptography", "1.0")
    write(folder, "bad", requirements=["gbtest-lib"])
    await on(ada, "bad")
    refused = await fetch(ada, "bad")
    assert refused.status_code in (409, 502) and "cryptography" in refused.json()["error"]
    assert not (tmp_path / "data" / "libraries" / "bad").exists()


async def test_two_plugins_with_other_versions_are_refused_by_name(
    ada: httpx2.AsyncClient, folder: Path, shelf: Path, tmp_path: Path
) -> None:
    for of in ("1.0", "2.0"):
        wheel(shelf, "gbtest_lib", of)
    write(folder, "maps", requirements=["gbtest-lib>=2"])
    write(folder, "weather", routes=ROUTES, requirements=["gbtest-lib<2"])
    write(folder, "third", routes=ROUTES, requirements=["gbtest-lib"])
    await on(ada, "maps")
    assert (await fetch(ada, "maps")).json()["data"]["plugin"]["state"] == "on"
    assert "the plugin maps has gbtest-lib 2.0" in (await on(ada, "weather"))["error"]
    refused = await fetch(ada, "weather")
    assert (refused.status_code, refused.json()["code"]) == (409, "library_clash")
    assert "gbtest-lib<2" in refused.json()["error"] and "maps has gbtest-lib 2.0" in refused.json()["error"]
    wheel(shelf, "gbtest_lib", "3.0")
    await on(ada, "third")
    assert (await fetch(ada, "third")).json()["data"]["libraries"][0]["version"] == "2.0"
    assert (await ada.get("/api/third/version")).json() == {"version": "2.0"}
    assert (await state(ada, "maps"))["state"] == "on"
    await ada.post("/api/v1/plugins/maps/uninstall", json={})
    assert (await ada.get("/api/third/version")).status_code == 200


async def test_a_wheel_that_wants_to_run_at_every_start_is_refused(
    ada: httpx2.AsyncClient, folder: Path, shelf: Path, tmp_path: Path
) -> None:
    wheel(shelf, "gbtest_lib", "1.0", files={"evil.pth": "import os"})
    write(folder, "weather", routes=ROUTES, requirements=["gbtest-lib"])
    await on(ada, "weather")
    refused = await fetch(ada, "weather")
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_library"), refused.text
    assert "gbtest_lib-1.0-py3-none-any.whl has evil.pth" in refused.json()["error"]
    assert not (tmp_path / "data" / "libraries" / "weather").exists()
    assert not list((tmp_path / "data" / "tmp").iterdir())


@pytest.mark.parametrize(
    "path",
    [
        "evil.pth",
        "sitecustomize.py",
        "sitecustomize/__init__.py",
        "usercustomize.py",
        "gbtest_lib-1.0.data/purelib/x.pth",
        "gbtest_lib-1.0.data/platlib/sitecustomize.py",
        "../evil.py",
        "/evil.py",
        "a/../../evil.py",
        "C:evil.py",
    ],
)
def test_nothing_of_a_bad_wheel_is_unpacked(shelf: Path, tmp_path: Path, path: str) -> None:
    with pytest.raises(BadWheel):
        unpack(wheel(shelf, "gbtest_lib", "1.0", files={path: "import os"}), tmp_path / "in" / "out")
    assert not (tmp_path / "in").exists()


async def test_one_of_a_new_hash_is_refused_and_a_loaded_one_asks_for_a_restart(
    ada: httpx2.AsyncClient, folder: Path, shelf: Path
) -> None:
    wheel(shelf, "gbtest_lib", "1.0")
    write(folder, "weather", routes=ROUTES, requirements=["gbtest-lib"])
    await on(ada, "weather")
    await fetch(ada, "weather")
    wheel(shelf, "gbtest_lib", "1.0", files={"more.py": "x = 1"})
    refused = await fetch(ada, "weather")
    assert (refused.status_code, refused.json()["code"]) == (409, "library_changed")
    assert (await ada.get("/api/weather/version")).json() == {"version": "1.0"}
    wheel(shelf, "gbtest_lib", "1.1")
    assert (await fetch(ada, "weather")).json()["data"]["restart"] is True


async def test_what_pip_says_is_passed_on(ada: httpx2.AsyncClient, folder: Path, shelf: Path) -> None:
    write(folder, "weather", requirements=["gbtest-nowhere>=1"])
    refused = await fetch(ada, "weather")
    assert refused.status_code == 404
    await on(ada, "weather")
    refused = await fetch(ada, "weather")
    assert refused.status_code == 502 and "gbtest-nowhere" in refused.json()["error"]
    (shelf / "gbtest_source-1.0.tar.gz").write_bytes(b"x")
    write(folder, "weather", requirements=["gbtest-source"])
    assert (await fetch(ada, "weather")).status_code == 502


async def test_pip_gets_none_of_our_secrets(
    ada: httpx2.AsyncClient, folder: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[dict[str, str]] = []
    monkeypatch.setenv("GRIDBEAR_INTERNAL_API_SECRET", "private detail")
    monkeypatch.setattr("subprocess.run", lambda *words, env, **more: given.append(env))
    write(folder, "weather", requirements=["gbtest-lib"])
    await on(ada, "weather")
    await fetch(ada, "weather")
    assert given and not [name for name in given[0] if name.startswith("GRIDBEAR_")]


@pytest.mark.parametrize("requirement", ["x @ https://example.com/x.whl", "-r /etc/passwd", "--index-url=x", "a b", ""])
async def test_a_requirement_is_a_name_and_versions(ada: httpx2.AsyncClient, folder: Path, requirement: str) -> None:
    write(folder, "weather", requirements=[requirement])
    refused = await switch(ada, "weather", "enable")
    assert refused.status_code == 409
    error = refused.json()["error"]
    assert "weather/manifest.json" in error and "'requirements'" in error and "humanize>=4" in error


async def test_only_admins_fetch(house: Bear, ada: httpx2.AsyncClient, folder: Path, shelf: Path) -> None:
    write(folder, "weather", requirements=["gbtest-lib"])
    await on(ada, "weather")
    clients = (await house.client(), await house.person("gus", "guest"), await house.person("max"))
    assert [(await fetch(client, "weather")).status_code for client in clients] == [401, 403, 403]


def test_a_wheel_that_is_no_zip_or_has_a_bad_name_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "gbtest_lib-1.0-py3-none-any.whl"
    bad.write_bytes(b"PK")
    with pytest.raises(BadWheel):
        unpack(bad, tmp_path / "out")


def test_the_record_names_every_hash(tmp_path: Path, shelf: Path) -> None:
    from server.plugin_host.libraries.libraries import Libraries

    wheel(shelf, "gbtest_lib", "1.0")
    libraries = Libraries(tmp_path / "libraries", tmp_path)
    record = libraries.install("weather", ["gbtest-lib"])
    stored = json.loads((tmp_path / "libraries" / "weather" / "libraries.json").read_text())
    assert stored == record == libraries.of("weather")
    assert {"name", "version", "file", "sha256"} == set(record[0])
