"""Secrets of plugins: records of the model `secrets` called `<plugin>.<name>`, or variables of the environment."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from server.access.actor import SYSTEM
from server.config import setting_fields
from server.errors import Conflict, GridBearError, ValidationFailed
from server.plugin_api import RecordStore
from server.secrets.private_file import erase, read_private

log = logging.getLogger(__name__)

MODEL = "secrets"
SERVER_VARIABLES = frozenset(field.env for field in setting_fields())
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


class PluginSecrets:
    """The secrets of one plugin: the environment first, then the records."""

    def __init__(
        self, plugin_id: str, records: RecordStore, env: Mapping[str, str], others: Mapping[str, str] | None = None
    ) -> None:
        """`others`: more variables that set a secret, by its name."""
        self._prefix = f"GRIDBEAR_{plugin_id.upper().replace('-', '_')}_"
        self._plugin_id = plugin_id
        self._records = records
        self._env = env
        self._others = others or {}

    def get(self, name: str) -> str | None:
        """The secret, or None when nobody has set it. An empty environment variable counts as not set."""
        if given := self._outside(name):
            return given
        row = self._records.look_up(SYSTEM, MODEL, "name", self._record_name(name))
        return None if row is None else row["value"]

    async def put(self, name: str, value: str) -> None:
        """Keep a new value. Raises Conflict when the environment sets this secret."""
        if not value:
            raise ValidationFailed.of(name, "required", "a secret can't be empty")
        if self.is_outside(name):
            raise Conflict(f"{self.variable(name)} sets this secret; change it there")
        full = self._record_name(name)
        row = self._records.look_up(SYSTEM, MODEL, "name", full)
        if row is None:
            description = f"Of the plugin {self._plugin_id}."
            await self._records.create(SYSTEM, MODEL, {"name": full, "value": value, "description": description})
        else:
            await self._records.update(SYSTEM, MODEL, row["id"], {"value": value})

    def is_outside(self, name: str) -> bool:
        """Whether the environment sets it."""
        return bool(self._outside(name))

    def variable(self, name: str) -> str:
        """The environment variable that sets the secret `name`."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a secret: small letters, digits and _ are wanted")
        return self._prefix + name.upper()

    def _outside(self, name: str) -> str | None:
        variables = (self.variable(name), self._others.get(name, ""))
        # A plugin called `internal-api` would find the server's own secret under its name.
        theirs = [variable for variable in variables if variable not in SERVER_VARIABLES]
        return next((given for variable in theirs if (given := self._env.get(variable))), None)

    def _record_name(self, name: str) -> str:
        return f"{self._plugin_id}.{name}"


async def forget_secret(records: RecordStore, plugin_id: str, name: str) -> None:
    """Remove one stored secret of a plugin, if there is such a one."""
    row = records.look_up(SYSTEM, MODEL, "name", f"{plugin_id}.{name}")
    if row is not None:
        await records.delete(SYSTEM, MODEL, row["id"])


async def forget_secrets(records: RecordStore, plugin_id: str) -> None:
    """Remove all stored secrets of a plugin."""
    for row in await records.find(SYSTEM, MODEL, where={"name__like": f"{plugin_id}.%"}):
        if row["name"].startswith(f"{plugin_id}."):
            await records.delete(SYSTEM, MODEL, row["id"])


async def take_over_files(records: RecordStore, folder: Path, plugin_ids: Iterable[str]) -> None:
    """Make records of the files `<plugin>.<name>` in which 0.1.0 kept secrets, and erase them."""
    for plugin_id in plugin_ids:
        secrets = PluginSecrets(plugin_id, records, {})
        for path in sorted(folder.glob(f"{plugin_id}.*")):
            name = path.name.removeprefix(f"{plugin_id}.")
            if not _NAME.fullmatch(name) or not path.is_file():
                continue
            try:
                value = (await asyncio.to_thread(read_private, path) or b"").decode().strip()
                if value and secrets.get(name) is None:
                    await secrets.put(name, value)
                await asyncio.to_thread(erase, path)
            except (GridBearError, OSError, UnicodeDecodeError) as error:
                # A full disk, say, is no reason not to start; the file waits for the next time.
                log.warning("the secret in %s could not be taken over: %s", path, error)
