"""What the code of a plugin uses that is not for plugins is told with file, line and what to use instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.plugin_host.manifest import read_manifest
from server.plugin_host.source_look import misuses, sdk_names
from server.this_computer import resource_dir
from tests.server.plugin_host.tests_plugin_support import write

EXAMPLES = resource_dir("assets").parent / "examples"


def found(tmp_path: Path, text: str, *permissions: str, file: str = "tools.py") -> list[str]:
    folder = write(tmp_path, "weather", files={file: text}) if "/" not in file else write(tmp_path, "weather")
    if "/" in file:
        (folder / file).parent.mkdir(parents=True)
        (folder / file).write_text(text)
    return misuses(folder, permissions)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("\nfrom server.records.service import Records\n", 2, ["server.records.service", "context.records"]),
        ("import server.records.service as x\n", 1, ["server.records.service", "context.records"]),
        ("def f():\n    from server.errors import Conflict, NotFound\n", 2, ["Conflict, NotFound: import from"]),
        ("from server import config\n", 1, ["server.config", "context.settings()"]),
        ("import gridbear_desktop.window\n", 1, ["gridbear_desktop.window", "server.plugin_api alone"]),
        ("def f():\n    from server.plugin_api import Recrod, tool\n", 2, ["no Recrod", "did you mean Record?"]),
        ("async def f(context):\n    await context.fetch('x')\n", 2, ["`fetch()`", '"network"', "manifest.json"]),
        ("async def f(it: 'PluginContext'):\n    it.secret('x')\n", 2, ['"secrets"']),
        ("class A:\n    def f(self):\n        self.context.notify('x')\n", 3, ['"notifications"']),
    ],
)
def test_python_that_is_not_for_plugins_is_told_by_line(tmp_path: Path, text: str, line: int, says: list[str]) -> None:
    (one,) = found(tmp_path, text)
    assert one.startswith(f"tools.py:{line}: ")
    assert [word for word in says if word not in one] == []


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('// one\nimport {\n  html,\n  htmll as h,\n} from "../../../ui/sdk.js";\n', 2, ["no htmll", "mean html?"]),
        ("import { api } from '/ui/api.js';\n", 1, ["/ui/api.js", "sdk.js alone"]),
        ('import "../../../ui/store.js";\n', 1, ["../../../ui/store.js"]),
    ],
)
def test_pages_that_import_what_is_not_for_plugins_are_told_by_line(
    tmp_path: Path, text: str, line: int, says: list[str]
) -> None:
    (one,) = found(tmp_path, text, file="ui/main.js")
    assert one.startswith(f"ui/main.js:{line}: ")
    assert [word for word in says if word not in one] == []


def test_what_is_permitted_or_of_another_is_no_misuse(tmp_path: Path) -> None:
    text = (
        "from server.plugin_api import PluginContext, tool\nfrom .server import other\nimport server.plugin_api\n"
        "async def f(context, rows):\n    await context.fetch('x')\n    rows.fetch('x')\n"
    )
    assert found(tmp_path, text, "network") == []
    page = '/* import { nothing } from "/ui/sdk.js"; */\nimport { html as h, page } from "../../../ui/sdk.js";\n'
    assert found(tmp_path / "b", page + 'import { x } from "./x.js";\n', file="ui/main.js") == []
    assert found(tmp_path / "c", "from server.app import create_app\n", file="tests/test_it.py") == []
    assert found(tmp_path / "d", "import server.app as (\n") == []


def test_the_plugins_that_come_along_and_the_examples_misuse_nothing() -> None:
    folders = [path.parent for root in (resource_dir("plugins"), EXAMPLES) for path in root.glob("*/manifest.json")]
    assert len(folders) > 6
    for folder in folders:
        assert misuses(folder, read_manifest(folder).manifest.permissions) == [], folder


def test_what_there_is_is_read_from_the_sdk_itself() -> None:
    assert {"sdk", "page", "html", "api", "useFresh", "confirm"} <= sdk_names()
    assert not sdk_names() & {"registerPage", "as", "from"}
