"""The settings that are in force: read in layers at the start, one frozen object at a time, changed while it runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import PrivateAttr, ValidationError

from server.data_location import is_portable
from server.data_place import placed
from server.errors import StartupError, ValidationFailed
from server.problem_words import problem_words
from server.setting_fields import Applies, SettingFields
from server.this_computer import EVERY_ADDRESS, in_url, is_loopback_host

SettingSource = Literal["command line", "environment", "settings", "default"]

_PREFIX = "GRIDBEAR_"
_NEAR = 0.69
"""How alike two names are, from 0 to 1, of which one is taken for the other mistyped."""

READ_BEFORE_THE_DATABASE = frozenset(
    (
        "data_dir",
        "host",
        "port",
        "tls",
        "tls_certificate",
        "tls_key",
        "base_path",
        "key_store",
        "safe_mode",
        "safe_mode_reason",
        "log_level",
        "log_file",
    )
)
"""Settings that are needed before records can be read: from the command line or the environment alone."""


class Settings(SettingFields):
    """All settings at one moment. A change makes a new object; see `SettingsHolder`."""

    _sources: dict[str, SettingSource] | None = PrivateAttr(None)

    def started_from(self, name: str) -> SettingSource | None:
        """What gave a setting its value at the start; None where records or the default decide."""
        if self._sources is None:
            # Made by hand and not by `load`: whoever did that decides.
            return "command line" if name in self.model_fields_set else None
        return self._sources.get(name)

    def bound_to_the_start(self) -> frozenset[str]:
        """The settings that the command line or the environment decided; no record of them is anywhere."""
        decided = ("command line", "environment")
        return frozenset(name for name in self.model_fields_set if self.started_from(name) in decided)

    @property
    def is_loopback(self) -> bool:
        """Whether only this computer can reach the server. Anything else is LAN mode."""
        return is_loopback_host(self.host)

    @property
    def scheme(self) -> str:
        """`http` or `https`, as the server itself speaks it."""
        return "http" if self.tls == "off" else "https"

    @property
    def address(self) -> str:
        """The address of the server as seen from this computer, base path included, without trailing slash."""
        host = self.host
        if host in EVERY_ADDRESS:
            host = "::1" if host == "::" else "127.0.0.1"
        return self.address_at(host)

    def address_at(self, host: str) -> str:
        """The same under another name or address of this computer."""
        return f"{self.scheme}://{in_url(host)}:{self.port}{self.base_path}"

    def _in_place(self) -> Settings:
        """With the folder that the data are in by now. A portable one keeps its key: no keychain travels with it."""
        data_dir = placed(self.data_dir)
        portable = is_portable(data_dir) and "key_store" not in self.model_fields_set
        if data_dir == self.data_dir and not portable:
            return self
        return self.model_copy(update={"data_dir": data_dir, **({"key_store": "file"} if portable else {})})

    @classmethod
    def load(
        cls,
        cli: Mapping[str, Any] | None = None,
        env: Mapping[str, str] | None = None,
        stored: Mapping[str, Any] | None = None,
    ) -> Settings:
        """Settings from command line, environment, `settings` records and defaults, in this order of weight.

        Raises StartupError naming the variable or option that can't be used.
        """
        cli, env, stored = cli or {}, os.environ if env is None else env, stored or {}
        values, names = _layered(cli, env, stored)
        try:
            settings = cls(**values)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            name = str(first["loc"][0]) if first["loc"] else ""
            raise StartupError(f"{names.get(name, name)} can't be used: {problem_words(first)}.") from None
        settings = settings._in_place()
        settings._sources = {name: source_of(name, cli, env, stored) for name in values}
        return settings


class SettingField(NamedTuple):
    """What is known of one setting, for the settings record, the docs and their test."""

    name: str
    env: str
    default: Any
    help: str
    unit: str
    applies: Applies
    secret: bool


def environment_name(setting: str) -> str:
    """The environment variable that sets `setting`."""
    return "INTERNAL_API_SECRET" if setting == "internal_api_secret" else f"{_PREFIX}{setting.upper()}"


def mistyped_variables(env: Mapping[str, str], plugin_folders: Iterable[Path]) -> list[str]:
    """A sentence for each variable that is no setting and whose name is nearly that of one, nearest named.

    Variables of plugins in `plugin_folders` are theirs, whatever they are called.
    """
    known = {environment_name(name).removeprefix(_PREFIX): environment_name(name) for name in Settings.model_fields}
    strange = sorted(name for name in env if name.upper().startswith(_PREFIX) and name not in known.values())
    if not strange:
        return []
    from difflib import get_close_matches  # which a start without such variables need not pay

    plugins = tuple(_plugin_prefixes(plugin_folders))
    near = {
        name: known[found]
        for name in strange
        if not name.startswith(plugins)
        for found in get_close_matches(name.upper().removeprefix(_PREFIX), known, 1, _NEAR)
    }
    return [f"The variable {name} does nothing; {found} is a setting. Is that meant?" for name, found in near.items()]


def _plugin_prefixes(folders: Iterable[Path]) -> Iterable[str]:
    for folder in folders:
        with suppress(OSError):
            yield from (f"{_PREFIX}{one.name.upper().replace('-', '_')}_" for one in folder.iterdir() if one.is_dir())


def setting_fields() -> list[SettingField]:
    """Every setting in the order of its declaration."""
    fields = []
    for name, info in Settings.model_fields.items():
        extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        fields.append(
            SettingField(
                name,
                environment_name(name),
                info.get_default(call_default_factory=False),
                info.description or "",
                str(extra.get("unit", "")),
                "live" if extra.get("applies") == "live" else "restart",
                bool(extra.get("secret")),
            )
        )
    return fields


def check_setting(name: str, value: Any) -> Any:
    """`value` as the type that the setting `name` wants. Raises ValidationFailed on an unknown name or bad value."""
    known = {field.name for field in setting_fields() if not field.secret} - READ_BEFORE_THE_DATABASE
    if name not in known:
        raise ValidationFailed.of("name", "unknown_setting", f"no such setting; known are {', '.join(sorted(known))}")
    try:
        return getattr(Settings(**{name: value}), name)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ValidationFailed.of("value", "invalid_setting", f"{name}: {problem_words(first)}") from None


def source_of(name: str, cli: Mapping[str, Any], env: Mapping[str, str], stored: Mapping[str, Any]) -> SettingSource:
    """Where the value of a setting comes from."""
    if cli.get(name) is not None:
        return "command line"
    if env.get(environment_name(name)):
        return "environment"
    return "settings" if name in stored else "default"


def _layered(
    cli: Mapping[str, Any], env: Mapping[str, str], stored: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    values: dict[str, Any] = {}
    names: dict[str, str] = {}
    for name in Settings.model_fields:
        variable = environment_name(name)
        if cli.get(name) is not None:
            values[name], names[name] = cli[name], f"--{name.replace('_', '-')}"
        elif env.get(variable):
            values[name], names[name] = env[variable], variable
        elif name in stored:
            values[name], names[name] = stored[name], f"the setting {name}"
    return values, names


class SettingsHolder:
    """The settings in force. Readers take `current` once per request; a change publishes a new snapshot."""

    def __init__(self, settings: Settings) -> None:
        self._current = settings
        self._subscribers: list[Callable[[Settings], None]] = []

    @property
    def current(self) -> Settings:
        return self._current

    def publish(self, settings: Settings) -> None:
        """Put `settings` in force and tell every subscriber."""
        self._current = settings
        for subscriber in tuple(self._subscribers):
            subscriber(settings)

    def subscribe(self, callback: Callable[[Settings], None]) -> Callable[[], None]:
        """Call `callback` with every later snapshot. Returns the function that ends this."""
        self._subscribers.append(callback)

        def unsubscribe() -> None:
            if callback in self._subscribers:
                self._subscribers.remove(callback)

        return unsubscribe
