"""The bundled files plugin in a running server: who sees which folder, its tools, and its resources on the wire."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import Bear, running_bear
from tests.server.mcp_gateway.tests_wire_support import LEGACY, MODERN, Wire, message

pytestmark = pytest.mark.anyio
PERMISSIONS = ["files", "mcp_tools", "pages"]
SETTINGS = "/api/v1/plugins/files/settings"


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    for name in ("open", "team", "own"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.txt").write_text(f"of {name}\n")
    (tmp_path / "open" / "bear.png").write_bytes(b"\x89PNG\r\n\0\xff")
    (tmp_path / "open" / "100% sure?.md").write_text("# Sure\n")
    return tmp_path


def folders(shelf: Path) -> list[dict[str, Any]]:
    return [
        {"name": "open", "path": str(shelf / "open"), "who": ["everyone"]},
        {"name": "team", "path": str(shelf / "team"), "who": ["group:Team"], "writable": True},
        {"name": "own", "path": str(shelf / "own")},
    ]


@pytest.fixture
async def house(tmp_path: Path, shelf: Path, anyio_backend: str) -> AsyncIterator[Bear]:
    async with running_bear(tmp_path / "data") as bear:
        ada = await bear.person("ada", "admin")
        await bear.person("tom")
        group = (await ada.post("/api/v1/groups", json={"name": "Team"})).json()["data"]["id"]
        member = {"group_id": group, "user_id": bear.ids["tom"]}
        assert (await ada.post("/api/v1/group_members", json=member)).status_code == 201
        answer = await ada.post("/api/v1/plugins/files/enable", json={"permissions": PERMISSIONS})
        assert answer.status_code == 200, answer.text
        answer = await ada.put(SETTINGS, json={"folders": folders(shelf)})
        assert answer.status_code == 200, answer.text
        yield bear


async def tool(client: httpx2.AsyncClient, name: str, **arguments: Any) -> dict[str, Any]:
    answer = await client.post("/api/v1/gateway/call", json={"tool": f"files__{name}", "arguments": arguments})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["data"]["result"]["structuredContent"]
    return found


async def mcp(
    client: httpx2.AsyncClient, method: str, path: str = "/mcp/files", era: str = MODERN, **params: Any
) -> dict[str, Any]:
    """The answer of the MCP endpoint: `result` or `error`."""
    wire = await Wire(client, era, path).open()
    found: dict[str, Any] = message(await wire.ask(method, params))
    return found


async def test_everybody_sees_the_folders_that_the_settings_give_them_and_no_others(house: Bear) -> None:
    people = {name: await house.person(name) for name in ("tom", "max")}
    people |= {"ada": await house.person("ada", "admin"), "gus": await house.person("gus", "guest")}
    seen = {name: [it["name"] for it in (await tool(one, "folders"))["folders"]] for name, one in people.items()}
    assert seen == {"tom": ["open", "team"], "max": ["open"], "ada": ["open", "own"], "gus": ["open"]}
    for name, folder in (("max", "team"), ("max", "own"), ("ada", "team"), ("gus", "own"), ("tom", "own")):
        unknown = await tool(people[name], "read", folder="nothing", path="x")
        hidden = await tool(people[name], "read", folder=folder, path=f"{folder}.txt")
        assert hidden["error"] == unknown["error"].replace("nothing", folder)
        assert (await tool(people[name], "write", folder=folder, path="x", text="x"))["code"] == "not_found"
    assert (await tool(people["tom"], "read", folder="team", path="team.txt"))["text"] == "of team\n"


async def test_tools_write_where_the_settings_allow_it_and_say_why_not_elsewhere(house: Bear, shelf: Path) -> None:
    tom = await house.person("tom")
    assert (await tool(tom, "write", folder="team", path="a.txt", text="grüße")) == {"path": "a.txt", "size": 7}
    assert (await tool(tom, "write", folder="team", path="a.txt", text="x"))["code"] == "exists"
    assert (await tool(tom, "make_folder", folder="team", path="b"))["path"] == "b"
    assert (await tool(tom, "move", folder="team", path="a.txt", to="b/c.txt"))["path"] == "b/c.txt"
    assert (await tool(tom, "search", folder="team", text="GRÜSSE", where="contents"))["found"] == [
        {"path": "b/c.txt", "line": 1, "text": "grüße"}
    ]
    listed = await tool(tom, "list", folder="team")
    assert [(it["name"], it["kind"]) for it in listed["entries"]] == [("b", "folder"), ("team.txt", "file")]
    gone = await tool(tom, "delete", folder="team", path="b")
    assert (shelf / "team" / ".gridbear-trash" / gone["in_trash_as"] / "c.txt").read_text() == "grüße"
    for name, more in (("write", {"text": "x"}), ("make_folder", {}), ("move", {"to": "y"}), ("delete", {})):
        assert (await tool(tom, name, folder="open", path="x", **more))["code"] == "read_only"
    assert sorted(it.name for it in (shelf / "open").iterdir()) == ["100% sure?.md", "bear.png", "open.txt"]
    assert (await tool(tom, "read", folder="open", path="bear.png"))["code"] == "validation_error"
    for path in ("../own/own.txt", "/etc/passwd", "x\0"):
        refused = await tool(tom, "read", folder="open", path=path)
        assert refused["code"] == "validation_error" and str(shelf) not in str(refused)
    assert "lines" in (await tool(tom, "read", folder="open", path="open.txt", lines=0))["error"]


@pytest.mark.parametrize("era", [LEGACY, MODERN])
@pytest.mark.parametrize("path", ["/mcp", "/mcp/files"])
async def test_files_are_resources_for_clients_that_may_see_them(house: Bear, path: str, era: str) -> None:
    tom, max_ = await house.person("tom"), await house.person("max")
    told = (await mcp(tom, "resources/list", path, era))["result"]["resources"]
    assert {it["uri"]: it.get("mimeType") for it in told} == {
        "gridbear://files/open/100%25%20sure%3F.md": "text/markdown",
        "gridbear://files/open/bear.png": "image/png",
        "gridbear://files/open/open.txt": "text/plain",
        "gridbear://files/team/team.txt": "text/plain",
    }
    assert "team" not in str(await mcp(max_, "resources/list", path, era))
    templates = (await mcp(tom, "resources/templates/list", path, era))["result"]["resourceTemplates"]
    assert [it["uriTemplate"] for it in templates] == ["gridbear://files/{+path}"]

    async def read(client: httpx2.AsyncClient, uri: str) -> dict[str, Any]:
        return await mcp(client, "resources/read", path, era, uri=uri)

    [text] = (await read(tom, "gridbear://files/open/100%25%20sure%3F.md"))["result"]["contents"]
    assert (text["mimeType"], text["text"]) == ("text/markdown", "# Sure\n")
    [picture] = (await read(tom, "gridbear://files/open/bear.png"))["result"]["contents"]
    assert base64.b64decode(picture["blob"]) == b"\x89PNG\r\n\0\xff" and picture["mimeType"] == "image/png"
    for uri in ("gridbear://files/team/team.txt", "gridbear://files/nothing/x", "gridbear://files/open/nothing",
                "gridbear://files/open/%ff", "gridbear://files/open", "gridbear://files/",
                "gridbear://files/open/open.txt?x=1"):  # fmt: skip
        assert "not found" in (await read(max_, uri))["error"]["message"]
    for uri in ("gridbear://files/open/..%2fown/own.txt", "gridbear://files/open/../own/own.txt",
                "gridbear://files/open//etc/passwd", "gridbear://files/open/%00"):  # fmt: skip
        refused = await read(tom, uri)
        assert "a path such as" in refused["error"]["message"]


async def test_without_the_right_credential_there_are_no_resources(house: Bear) -> None:
    one_tool = await house.person("tom", scopes=["mcp:files:list"])
    assert (await mcp(one_tool, "resources/list"))["result"]["resources"] == []
    assert "error" in await mcp(one_tool, "resources/read", uri="gridbear://files/open/open.txt")
    for scopes in (["api"], ["mcp:records"]):
        other = await house.person("tom", scopes=scopes)
        assert "of open" not in str(await mcp(other, "resources/read", uri="gridbear://files/open/open.txt"))
    nobody = await house.client()
    answer = await nobody.post("/mcp/files", json={"jsonrpc": "2.0", "id": 1, "method": "resources/list"})
    assert answer.status_code == 401


async def test_folders_that_no_client_should_get_keep_the_plugin_out_and_say_why(house: Bear, shelf: Path) -> None:
    ada = await house.person("ada", "admin")
    for bad, why in (
        ({"path": str(shelf / "data")}, "GridBear's own data"),
        ({"path": "relative"}, "no whole path"),
        ({"path": str(shelf / "open" / "open.txt")}, "no folder"),
        ({"path": "/"}, "belongs to the system"),
    ):
        await ada.put(SETTINGS, json={"folders": [{"name": "bad", "who": ["everyone"], **bad}]})
        [row] = (await ada.get("/api/v1/plugins?name=files")).json()["data"]
        assert row["state"] == "failed" and why in row["error"]
        assert "files" not in str(await mcp(ada, "tools/list", "/mcp"))
    twice = [{"name": "a", "path": str(shelf / "open")}, {"name": "a", "path": str(shelf / "own")}]
    await ada.put(SETTINGS, json={"folders": twice})
    [row] = (await ada.get("/api/v1/plugins?name=files")).json()["data"]
    assert "two folders are named a" in row["error"]
    for given in ({"name": "A/b", "path": "/x"}, {"path": "/x"}, {"name": "a", "path": "/x", "who": ["nobody"]}):
        assert (await ada.put(SETTINGS, json={"folders": [given]})).status_code == 422
    await ada.put(SETTINGS, json={"folders": folders(shelf)})
    [row] = (await ada.get("/api/v1/plugins?name=files")).json()["data"]
    assert row["state"] == "on", row["error"]
    assert (await mcp(ada, "resources/list"))["result"]["resources"]


async def test_a_disk_that_is_not_there_takes_no_other_folder_along(house: Bear, shelf: Path) -> None:
    tom = await house.person("tom")
    (shelf / "open").rename(shelf / "away")
    assert (await tool(tom, "list", folder="open"))["error"] == "The folder is not there just now."
    told = (await mcp(tom, "resources/list"))["result"]["resources"]
    assert [it["uri"] for it in told] == ["gridbear://files/team/team.txt"]
    assert (await (await house.person("ada", "admin")).post("/api/v1/plugins/files/reload")).status_code == 200
    assert (await tool(tom, "list", folder="team"))["entries"][0]["name"] == "team.txt"
    # Neither does what somebody put in its place.
    (shelf / "open").symlink_to(shelf / "data")
    refused = await tool(tom, "list", folder="open")
    assert refused["code"] == "folder" and str(shelf) not in str(refused)


async def test_the_page_asks_whether_a_folder_could_be_added_and_admins_alone_may(house: Bear, shelf: Path) -> None:
    ada, tom = await house.person("ada", "admin"), await house.person("tom")
    good = {"name": "new", "path": str(shelf / "own")}
    assert (await ada.post("/api/files/check", json=good)).status_code == 200
    for bad, field in (({"name": "open"}, "name"), ({"path": str(shelf / "nothing")}, "path"),
                       ({"path": str(shelf / "data")}, "folders"), ({"name": "A b"}, "name")):  # fmt: skip
        answer = await ada.post("/api/files/check", json={**good, **bad})
        assert answer.status_code == 422 and field in str(answer.json()["fields"])
    assert (await tom.post("/api/files/check", json=good)).status_code == 403
    assert (await (await house.client()).post("/api/files/check", json=good)).status_code == 401
