"""The pages' own types hold, and those that plugin authors get are the truth about sdk.js. Needs Node and tsc."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from server.plugin_host.page_types import write_page_types
from tests.server.mcp_gateway.tests_peers_support import needs, node

ROOT = Path(__file__).resolve().parents[2]
UI = ROOT / "assets" / "ui"
EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/ui"))
WHAT_SDK_GIVES = """
import * as given from "./sdk_itself.js";
import * as told from "./sdk.js";
const fits: typeof told = given;
type Untold = Exclude<keyof typeof given, keyof typeof told>;
const untold: [Untold] extends [never] ? true : Untold = true;
export { fits, untold };
"""


def type_errors(project: Path) -> list[str]:
    """What tsc says about a folder with a tsconfig.json or jsconfig.json, or about such a file."""
    program = needs("npm") / "node_modules" / "typescript" / "bin" / "tsc"
    ran = subprocess.run([node(), str(program), "-p", str(project)], capture_output=True, text=True, check=False)
    assert ran.returncode in (0, 1, 2), ran.stderr
    return ran.stdout.splitlines()


def copied(place: Path) -> Path:
    """The pages in a folder where they may be changed."""
    return Path(shutil.copytree(UI, place / "ui"))


@pytest.mark.slow
def test_the_pages_have_sound_types() -> None:
    assert type_errors(UI) == []


@pytest.mark.slow
def test_what_plugin_authors_are_told_of_sdk_js_is_what_it_gives(tmp_path: Path) -> None:
    ui = copied(tmp_path)
    shutil.copy(ui / "sdk.js", ui / "sdk_itself.js")
    (ui / "sdk_told.ts").write_text(WHAT_SDK_GIVES)
    config = (ui / "tsconfig.json").read_text().replace('["**/*.js", "**/*.d.ts"]', '["sdk_told.ts"]')
    (ui / "tsconfig.json").write_text(config)
    assert type_errors(ui) == []
    shapes = (ui / "sdk.d.ts").read_text()
    (ui / "sdk.d.ts").write_text(re.sub(r"export function formatDay\(day: string\): string;", "", shapes))
    assert ["formatDay" in line for line in type_errors(ui)] == [True], "one that is given and not told is found"
    (ui / "sdk.d.ts").write_text(shapes.replace("formatDay(day: string): string", "formatDay(day: string): number"))
    assert "formatDay" in "\n".join(type_errors(ui)), "and so is one of another shape"


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_the_pages_of_an_example_fit_the_types_that_authors_get(tmp_path: Path, example: Path) -> None:
    plugin = Path(shutil.copytree(example, tmp_path / example.name))
    assert [file.name for file in write_page_types(plugin)] == ["sdk.d.ts", "jsconfig.json"]
    assert type_errors(plugin / "jsconfig.json") == []
    main = plugin / "ui" / "main.js"
    main.write_text(main.read_text() + '\nimport { card as wrong } from "../../../ui/sdk.js";\nwrong({ name: 3 });\n')
    assert any("number" in line for line in type_errors(plugin / "jsconfig.json"))


def test_the_version_of_the_shapes_is_that_of_the_sdk() -> None:
    given = re.search(r"^export const sdk = (\d+);$", (UI / "sdk.js").read_text("utf-8"), re.M)
    told = re.search(r"^export const sdk: (\d+);$", (UI / "sdk.d.ts").read_text("utf-8"), re.M)
    assert given is not None and told is not None and given[1] == told[1]
