"""manifest.json: its one schema, checked before any code of a plugin runs."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from server.errors import ValidationFailed
from server.plugin_host.config_schema import ConfigSchema, SchemaRefused, parse_config_schema
from server.plugin_host.libraries.requirements import parsed
from server.plugin_host.mcp_server_entry import SERVER_KEY, McpServerEntry
from server.plugin_host.permissions import Permission
from server.problem_words import problem_words

MANIFEST_FILE = "manifest.json"
MAX_MANIFEST_BYTES = 256 * 1024
RESERVED_IDS = frozenset({"v1", "internal", "docs", "openapi.json"})
"""What `/api/` keeps for itself; a plugin of this name would shadow it."""

# Keys of GridBear's own manifests that this server does not act on: an existing plugin loads, with a warning.
KEYS_WITHOUT_EFFECT = frozenset(
    {
        *("entry_point", "class_name", "instantiation"),
        *("required_secrets", "model", "models_refreshable", "cli_meta", "ui"),
        *("context_injection", "mcp_category", "mcp_naming", "mcp_name_template", "mcp_server_name"),
        *("private_only", "service_connections", "virtual_tools", "mcp_provider", "mcp_provider_class"),
        *("admin_routes", "public_api_prefix"),
    }
)

SCHEMA_KEY = "$schema"
"""Where an editor finds the JSON Schema."""

_ID = re.compile(r"[a-z][a-z0-9-]*")


class ManifestError(ValidationFailed):
    """A plugin folder that can't be used as it is; the message names file, key, what was found and what is wanted."""

    code = "plugin_manifest"


class Dependencies(BaseModel):
    """Other plugins, by id or by what they provide. All of them load earlier when they are there."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    required: list[str] = Field(default_factory=list, description="Without these it stays out.")
    optional: list[str] = Field(default_factory=list, description="It runs without these, too.")


class Skill(BaseModel):
    """A text that tells AI clients how something is done."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$", description="Small letters, digits, _ and -.")
    file: str = Field(
        pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}\.md$", description="A file in the folder skills, such as ask.md."
    )
    title: str = Field("", max_length=100, description="Name shown to people; empty means `name`.")
    description: str = Field("", max_length=1000, description="When it is good for something.")


class NotificationKind(BaseModel):
    """One kind of what a plugin notifies people of; each person may silence it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    label: str = Field(min_length=1, max_length=100, description="What it is called among somebody's settings.")
    description: str = Field("", max_length=500, description="When it comes.")


class Manifest(BaseModel):
    """The keys of manifest.json that have an effect."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str = Field(min_length=1, max_length=100, description="Name of the plugin; the folder name is its id.")
    version: str = Field(min_length=1, max_length=50, description="Version, such as 1.0.0.")
    description: str = Field("", max_length=2000, description="One sentence for people.")
    author: str = Field("", max_length=200, description="Who made it.")
    display_name: str = Field("", max_length=100, description="Name shown to people; empty means `name`.")
    type: Literal["channel", "service", "runner", "mcp", "theme"] = Field("service", description="Kind of plugin.")
    dependencies: Dependencies = Field(
        default_factory=Dependencies, description="A list of plugin ids, or required and optional lists."
    )
    provides: list[str] = Field(
        default_factory=list, description="Names beside its id under which others may depend on it: a text or a list."
    )
    conflicts: list[str] = Field(default_factory=list, description="Plugins that can't be on together with it.")
    permissions: list[Permission] = Field(
        default_factory=list, description="What it may do beyond its own models; shown before it is switched on."
    )
    config_schema: dict[str, Any] = Field(
        default_factory=dict,
        description="Its settings: fields by name, each with type (string, integer, number, boolean, array, object, "
        "secret), default, description, enum, env, required; or a JSON Schema with properties.",
    )
    requirements: list[str] = Field(
        default_factory=list, max_length=50, description="Libraries from PyPI that it imports, such as humanize>=4."
    )
    mcp_servers: dict[Annotated[str, Field(pattern=SERVER_KEY)], McpServerEntry] = Field(
        default_factory=dict,
        max_length=20,
        description="MCP servers that it brings, each offered as {plugin}-{name}; shown before it is switched on.",
    )
    context_skills: list[Skill] = Field(
        default_factory=list, max_length=50, description="Texts of the folder skills that are offered to AI clients."
    )
    field_widgets: list[str] = Field(
        default_factory=list,
        max_length=100,
        description="Fields of its own models that ui/main.js draws, as model.field.",
    )
    notification_kinds: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")], NotificationKind] = Field(
        default_factory=dict,
        max_length=50,
        description="Kinds of notifications that each person may silence, by the category that `notify` gives them.",
    )
    public_api: bool = Field(False, description="Whether anonymous callers reach /api/{plugin}.")

    @field_validator("dependencies", mode="before")
    @classmethod
    def _a_list_means_required(cls, value: Any) -> Any:
        return {"required": value} if isinstance(value, list) else value

    @field_validator("provides", mode="before")
    @classmethod
    def _a_text_is_one(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _settings_are_possible(self) -> Manifest:
        try:
            settings = parse_config_schema(self.config_schema)
        except SchemaRefused as error:
            raise ValueError(f"config_schema: {error}") from None
        if any(field.secret for field in settings.fields.values()) and "secrets" not in self.permissions:
            raise ValueError('config_schema: it has secrets, which need "secrets" among the permissions')
        return self

    @model_validator(mode="after")
    def _servers_are_asked_for(self) -> Manifest:
        if self.mcp_servers and "mcp_servers" not in self.permissions:
            raise ValueError('mcp_servers: they need "mcp_servers" among the permissions')
        if any(entry.secrets for entry in self.mcp_servers.values()) and "secrets" not in self.permissions:
            raise ValueError('mcp_servers: they take secrets, which need "secrets" among the permissions')
        return self

    @property
    def settings(self) -> ConfigSchema:
        """What `config_schema` describes."""
        return parse_config_schema(self.config_schema)

    @field_validator("requirements")
    @classmethod
    def _each_can_be_read(cls, value: list[str]) -> list[str]:
        for text in value:
            parsed(text)
        return value

    @field_validator("context_skills")
    @classmethod
    def _each_has_a_name_of_its_own(cls, value: list[Skill]) -> list[Skill]:
        names = [skill.name for skill in value]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two skills are named {twice[0]}")
        return value

    @property
    def title(self) -> str:
        return self.display_name or self.name


@dataclass(frozen=True, slots=True)
class CheckedManifest:
    """A manifest that passed, and what its author should still know."""

    manifest: Manifest
    warnings: tuple[str, ...]


def check_id(plugin_id: str) -> None:
    """Raise ManifestError unless the folder name may be a plugin id."""
    if plugin_id in RESERVED_IDS:
        raise ManifestError(
            f"folder {plugin_id!r}: this name is taken by the server's own /api/{plugin_id}; rename the folder"
        )
    if not _ID.fullmatch(plugin_id):
        raise ManifestError(
            f"folder {plugin_id!r}: a plugin folder is named with small letters a-z, digits and dashes and "
            "starts with a letter, such as my-plugin"
        )


def read_manifest(folder: Path) -> CheckedManifest:
    """The checked manifest of the plugin in `folder`. Raises ManifestError; runs no code of the plugin."""
    where = f"{folder.name}/{MANIFEST_FILE}"
    values = _read_json(folder / MANIFEST_FILE, where)
    values.pop(SCHEMA_KEY, None)
    if "depends" in values and "dependencies" not in values:
        # GridBear's older name of it.
        values["dependencies"] = values.pop("depends")
    warnings = [f"{where}: the key {key!r} has no effect here" for key in values if key in KEYS_WITHOUT_EFFECT]
    try:
        manifest = Manifest.model_validate({k: v for k, v in values.items() if k not in KEYS_WITHOUT_EFFECT})
    except ValidationError as error:
        problems = [_sentence(problem) for problem in error.errors(include_url=False)]
        raise ManifestError(f"{where}: {'; '.join(problems)}") from None
    return CheckedManifest(manifest, tuple(warnings))


def manifest_json_schema() -> dict[str, Any]:
    """The JSON Schema of manifest.json."""
    schema = Manifest.model_json_schema()
    schema["title"] = "manifest.json of a GridBear plugin"
    properties = schema["properties"]
    names = properties["provides"]["items"]
    properties["provides"] = {**properties["provides"], "type": ["array", "string"]}
    dependencies = properties["dependencies"]
    reference = {"$ref": dependencies.pop("$ref")}
    dependencies["anyOf"] = [{"type": "array", "items": names}, reference]
    properties[SCHEMA_KEY] = {"type": "string", "description": "Where an editor finds this schema."}
    for key in sorted((*KEYS_WITHOUT_EFFECT, "depends")):
        properties[key] = {"deprecated": True, "description": "Of GridBear; has no effect here."}
    properties["depends"]["description"] = "Old name of `dependencies`."
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _read_json(path: Path, where: str) -> dict[str, Any]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ManifestError(f"{where}: can't be read: {error.strerror or error}") from error
    if len(raw) > MAX_MANIFEST_BYTES:
        raise ManifestError(f"{where}: {len(raw)} bytes; at most {MAX_MANIFEST_BYTES} are wanted")
    try:
        values = json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ManifestError(f"{where}: not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise ManifestError(
            f"{where}: no valid JSON at line {error.lineno}, column {error.colno}: {error.msg}"
        ) from None
    except RecursionError:
        raise ManifestError(f"{where}: nested too deeply") from None
    if not isinstance(values, dict):
        raise ManifestError(f"{where}: found {_shown(values)}, wanted an object {{...}}")
    return values


_PARTS: dict[Any, type[BaseModel]] = {
    "dependencies": Dependencies,
    "context_skills": Skill,
    "notification_kinds": NotificationKind,
    "mcp_servers": McpServerEntry,
}


def _sentence(problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    if not key:
        return problem_words(problem)
    if problem["type"] == "missing":
        return f"the key {key!r} is missing; wanted {_wanted(key)}"
    if problem["type"] == "extra_forbidden":
        first, *more = problem["loc"]
        known = sorted((_PARTS.get(first, Manifest) if more else Manifest).model_fields)
        near = difflib.get_close_matches(str(problem["loc"][-1]), known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        return f"unknown key {key!r}; {hint}Known keys: {', '.join(known)}"
    wanted, why = _wanted(key), problem_words(problem)
    another_kind = problem["type"].endswith(("_type", "_parsing", "_error"))
    said = f", wanted {wanted}" if wanted and another_kind else f"; {why}"
    return f"the key {key!r}: found {_shown(problem['input'])}{said}"


def _wanted(key: str) -> str:
    schema = Manifest.model_json_schema()["properties"].get(key, {})
    if "enum" in schema:
        return "one of " + ", ".join(schema["enum"])
    kinds = {"string": "text", "boolean": "true or false"}
    return kinds.get(schema.get("type", ""), "")


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."
