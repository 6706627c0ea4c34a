"""Secrets in the data folder, one 0600 file each, read once at start and kept in memory."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from pathlib import Path

from server.errors import Conflict, ValidationFailed

SECRETS_FOLDER = "secrets"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def read_secret(path: Path) -> str | None:
    """The secret in the file `path`, or None where there is none."""
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None


def write_secret(path: Path, value: str) -> None:
    """Keep `value` in `path`, readable by this account alone, whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(value + "\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


class PluginSecrets:
    """The secrets of one plugin: the environment first, then `<data>/secrets/<plugin>.<name>`."""

    def __init__(self, plugin_id: str, data_dir: Path, env: Mapping[str, str]) -> None:
        self._prefix = f"GRIDBEAR_{plugin_id.upper().replace('-', '_')}_"
        self._plugin_id = plugin_id
        self._folder = data_dir / SECRETS_FOLDER
        self._env = env
        self._kept: dict[str, str | None] = {}

    def get(self, name: str) -> str | None:
        """The secret, or None when nobody has set it. An empty environment variable counts as not set."""
        if given := self._env.get(self.variable(name)):
            return given
        if name not in self._kept:
            self._kept[name] = read_secret(self._path(name))
        return self._kept[name]

    async def put(self, name: str, value: str) -> None:
        """Keep a new value. Raises Conflict when the environment sets this secret."""
        if not value:
            raise ValidationFailed.of(name, "required", "a secret can't be empty")
        if self._env.get(self.variable(name)):
            raise Conflict(f"{self.variable(name)} sets this secret; change it there")
        await asyncio.to_thread(write_secret, self._path(name), value)
        self._kept[name] = value

    def variable(self, name: str) -> str:
        """The environment variable that sets the secret `name`."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a secret: small letters, digits and _ are wanted")
        return self._prefix + name.upper()

    def _path(self, name: str) -> Path:
        return self._folder / f"{self._plugin_id}.{name}"
