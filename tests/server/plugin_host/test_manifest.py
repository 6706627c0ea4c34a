"""manifest.json: what passes, and messages that a tinkerer can act on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from server.plugin_host.discover import find_plugins
from server.plugin_host.manifest import ManifestError, check_id, manifest_json_schema, read_manifest

GOOD = {"name": "Weather", "version": "1.0.0"}


def _folder(root: Path, name: str, manifest: Any) -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    text = manifest if isinstance(manifest, str) else json.dumps(manifest)
    (folder / "manifest.json").write_text(text, encoding="utf-8")
    return folder


def test_a_short_manifest_is_enough(tmp_path: Path) -> None:
    manifest = read_manifest(_folder(tmp_path, "weather", GOOD)).manifest
    assert (manifest.title, manifest.type, manifest.public_api) == ("Weather", "service", False)


def test_a_list_of_dependencies_means_all_required(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "weather", {**GOOD, "dependencies": ["maps"]})
    assert read_manifest(folder).manifest.dependencies.required == ["maps"]


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ("{", ["weather/manifest.json", "line 1"]),
        ("[]", ["found []", "wanted an object"]),
        ({"version": "1"}, ["'name'", "missing", "text"]),
        ({**GOOD, "public_api": "yes"}, ["'public_api'", '"yes"', "true or false"]),
        ({**GOOD, "type": "game"}, ["'type'", '"game"', "channel, service, runner, mcp, theme"]),
        ({**GOOD, "pubic_api": True}, ["'pubic_api'", "did you mean 'public_api'?", "Known keys: author"]),
        ({**GOOD, "dependencies": {"require": []}}, ["'required'", "Known keys: optional, required"]),
        ({**GOOD, "notification_kinds": {"rain": {"lable": "Rain"}}}, ["'label'", "Known keys: description, label"]),
        ({**GOOD, "dependencies": [1]}, ["'dependencies.required.0'", "found 1", "a text is wanted"]),
        ({**GOOD, "permissions": ["records:reed"]}, ["found \"records:reed\"; one of these is wanted: 'records:read'"]),
    ],
)
def test_a_message_names_file_key_found_and_wanted(tmp_path: Path, manifest: Any, words: list[str]) -> None:
    with pytest.raises(ManifestError) as caught:
        read_manifest(_folder(tmp_path, "weather", manifest))
    assert [word for word in words if word not in caught.value.message] == []


def test_a_gridbear_key_without_effect_is_a_warning(tmp_path: Path) -> None:
    checked = read_manifest(_folder(tmp_path, "weather", {**GOOD, "entry_point": "plugin.py"}))
    assert checked.warnings == ("weather/manifest.json: the key 'entry_point' has no effect here",)


@pytest.mark.parametrize(
    "plugin_id", ["v1", "internal", "docs", "openapi.json", "Weather", "a_b", "1a", "a/b", "", ".."]
)
def test_an_id_that_shadows_or_misleads_is_refused(plugin_id: str) -> None:
    with pytest.raises(ManifestError):
        check_id(plugin_id)


def test_the_first_folder_of_a_name_wins_and_a_broken_one_stops_nobody(tmp_path: Path) -> None:
    first = _folder(tmp_path / "one", "weather", GOOD)
    _folder(tmp_path / "two", "weather", {**GOOD, "name": "Other"})
    _folder(tmp_path / "two", "broken", "{")
    _folder(tmp_path / "two", "v1", GOOD)
    found = {plugin.id: plugin for plugin in find_plugins([tmp_path / "one", tmp_path / "two", tmp_path / "none"])}
    assert found["weather"].folder == first
    assert found["weather"].is_good
    assert not found["broken"].is_good
    assert "/api/v1" in (found["v1"].error or "")


def test_a_plugin_loads_after_what_it_depends_on(tmp_path: Path) -> None:
    _folder(tmp_path, "a", {**GOOD, "dependencies": {"required": ["b"], "optional": ["zzz"]}})
    _folder(tmp_path, "b", GOOD)
    assert [plugin.id for plugin in find_plugins([tmp_path])] == ["b", "a"]


def test_a_missing_dependency_and_its_dependants_are_explained(tmp_path: Path) -> None:
    _folder(tmp_path, "a", {**GOOD, "dependencies": ["b"]})
    _folder(tmp_path, "b", {**GOOD, "dependencies": ["c"]})
    errors = {plugin.id: plugin.error or "" for plugin in find_plugins([tmp_path])}
    assert "no folder has this name" in errors["b"]
    assert "stays out itself" in errors["a"]


def test_a_circle_is_named_and_leaves_the_others_alone(tmp_path: Path) -> None:
    _folder(tmp_path, "a", {**GOOD, "dependencies": ["b"]})
    _folder(tmp_path, "b", {**GOOD, "dependencies": ["a"]})
    _folder(tmp_path, "c", GOOD)
    found = {plugin.id: plugin for plugin in find_plugins([tmp_path])}
    assert "circle" in (found["a"].error or "")
    assert "circle" in (found["b"].error or "")
    assert found["c"].is_good


def test_a_circle_that_is_optional_in_one_step_is_none(tmp_path: Path) -> None:
    _folder(tmp_path, "a", {**GOOD, "dependencies": ["b"]})
    _folder(tmp_path, "b", {**GOOD, "dependencies": {"optional": ["a"]}})
    found = find_plugins([tmp_path])
    assert [(plugin.id, plugin.error) for plugin in found] == [("b", None), ("a", None)]


def test_the_message_of_a_circle_names_file_key_and_way(tmp_path: Path) -> None:
    for name, needs in (("a", "b"), ("b", "c"), ("c", "a")):
        _folder(tmp_path, name, {**GOOD, "dependencies": [needs]})
    [error] = [plugin.error or "" for plugin in find_plugins([tmp_path]) if plugin.id == "a"]
    ways = ("a -> b -> c -> a", "b -> c -> a -> b", "c -> a -> b -> c")
    assert "a/manifest.json" in error and "'dependencies'" in error and any(way in error for way in ways)


@pytest.mark.parametrize("provides", ["mail", ["post", "mail"]])
def test_a_dependency_may_be_what_another_plugin_provides(tmp_path: Path, provides: Any) -> None:
    _folder(tmp_path, "a", {**GOOD, "dependencies": ["mail"]})
    _folder(tmp_path, "z", {**GOOD, "provides": provides})
    assert [(plugin.id, plugin.error) for plugin in find_plugins([tmp_path])] == [("z", None), ("a", None)]


def test_the_old_name_of_dependencies_is_understood(tmp_path: Path) -> None:
    checked = read_manifest(_folder(tmp_path, "weather", {**GOOD, "depends": ["maps"], "$schema": "x"}))
    assert checked.manifest.dependencies.required == ["maps"] and not checked.warnings


@pytest.mark.parametrize(
    ("more", "good"),
    [
        ({}, True),
        ({"dependencies": ["maps"], "$schema": "x", "provides": "mail"}, True),
        ({"dependencies": {"required": ["maps"], "optional": []}, "provides": ["mail"]}, True),
        ({"entry_point": "plugin.py", "depends": []}, True),
        ({"type": "game"}, False),
        ({"pubic_api": True}, False),
        ({"dependencies": {"needed": []}}, False),
        ({"permissions": ["everything"]}, False),
    ],
)
def test_the_json_schema_says_what_the_server_says(tmp_path: Path, more: dict[str, Any], good: bool) -> None:
    manifest = {**GOOD, **more}
    schema = manifest_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert jsonschema.Draft202012Validator(schema).is_valid(manifest) is good
    found = find_plugins([_folder(tmp_path, "weather", manifest).parent])
    assert (found[0].manifest is not None) is good
