"""The plugin docs: the generated pages are current, and the tutorial is followed word for word."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from server import plugin_api
from server.plugin_host.manifest import KEYS_WITHOUT_EFFECT, Manifest, manifest_json_schema
from server.plugin_host.permissions import MEANINGS
from tests.gridbear_desktop.gridbear_process import Gridbear

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "plugin-development.md"
BLOCK = re.compile(r"(?:`(?P<file>[\w/.-]+)` is this:\n\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.S)
ADDRESS = "http://127.0.0.1:8088"


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "packaging" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


plugin_reference = _script("plugin_reference")


def test_the_reference_and_the_schema_are_those_of_the_code() -> None:
    again = "run `python3 packaging/plugin_reference.py`"
    assert plugin_reference.REFERENCE.read_text("utf-8") == plugin_reference.reference(plugin_api), again
    assert plugin_reference.SCHEMA.read_text("utf-8") == plugin_reference.schema(manifest_json_schema()), again


def test_every_name_of_the_api_has_a_text_of_its_own() -> None:
    page = plugin_reference.reference(plugin_api)
    assert [name for name in plugin_api.__all__ if f"### {name}\n" not in page and f"`{name}`" not in page] == []


def test_the_guide_names_every_key_and_permission() -> None:
    guide = GUIDE.read_text("utf-8")
    keys = [key for key in Manifest.model_fields if f"`{key}`" not in guide]
    assert keys == [] and not set(Manifest.model_fields) & KEYS_WITHOUT_EFFECT
    assert [name for name in MEANINGS if f"`{name}`" not in guide] == []


@pytest.fixture
def gridbear(tmp_path: Path) -> Iterator[Gridbear]:
    running = Gridbear(tmp_path / "data")
    yield running
    running.end()


@pytest.mark.slow
def test_the_tutorial_leads_where_it_says(gridbear: Gridbear, tmp_path: Path) -> None:
    tutorial = GUIDE.read_text("utf-8").split("## A plugin in ten minutes\n")[1].split("\n## ")[0]
    blocks = list(BLOCK.finditer(tutorial))
    assert sum(block["kind"] == "sh" for block in blocks) >= 6 and sum(block["kind"] == "json" for block in blocks) >= 3
    gridbear.create_user("ada")
    info = gridbear.ready(gridbear.serve("--port", "0"))
    place = tmp_path / "place"
    place.mkdir()
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "gridbear").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gridbear_desktop "$@"\n')
    (programs / "gridbear").chmod(0o755)
    env = {
        **gridbear.env,
        "GRIDBEAR_DATA_DIR": str(gridbear.data_dir),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    said = ""
    state = ""
    for block in blocks:
        text = block["text"].replace(ADDRESS, info["url"])
        match block["kind"]:
            case "python":
                assert block["file"], f"a file without a name: {text}"
                (place / block["file"]).write_text(text, "utf-8")
            case "json":
                assert json.loads(said.strip().splitlines()[-1]) == json.loads(text)
            case "sh":
                # One shell goes through the whole page; what it knows is carried from block to block.
                script = f"set -e\n{state}\n{text}\necho\ndeclare -p TOKEN 2>/dev/null || true\n"
                done = subprocess.run(
                    ["bash", "-c", script], cwd=place, env=env, capture_output=True, text=True, timeout=120, check=False
                )
                assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
                if "|| echo" in text:
                    assert text.split('"')[1] in done.stdout, f"it did not fail: {text}"
                said, _, token = done.stdout.partition("declare -- TOKEN")
                state = f"declare -- TOKEN{token}" if token else state
            case kind:
                raise AssertionError(f"a block of the kind {kind} is followed by nobody")
    assert "tea-log-0.1.0.zip" in {path.name for path in place.iterdir()}
