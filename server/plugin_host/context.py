"""The narrow context of one plugin: what `server.plugin_api.PluginContext` promises, and nothing of the app."""

from __future__ import annotations

import copy
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from server.access.actor import SYSTEM, Actor
from server.config import SettingsHolder
from server.errors import Busy, Forbidden, GridBearError, NotFound
from server.limits.token_bucket import TokenBuckets
from server.outbound.fetched import Fetched
from server.plugin_api import Audience, RecordStore, Severity
from server.plugin_host.permissions import Permissions
from server.plugin_host.secrets import PluginSecrets
from server.records.files import Files
from server.records.notify import notify
from server.records.time_zones import chosen_zone
from server.tasks.queue import Tasks

if TYPE_CHECKING:
    from server.outbound.fetching import Fetcher

Send = Callable[[str, str, str, str | None], Awaitable[str]]
"""Channel, whom, text, whom to tell when it fails: the key of its task."""
NOTICES_AT_ONCE = 60
NOTICES_PER_SECOND = 1.0


class OwnRecords:
    """The records service for a plugin's own models, and no others."""

    def __init__(self, plugin_id: str, records: RecordStore, models: Iterable[str]) -> None:
        self._plugin_id = plugin_id
        self._records = records
        self._models = frozenset(models)

    async def find(
        self, model: str, *, where: dict[str, Any] | None = None, sort: str = "id", limit: int = 500
    ) -> list[dict[str, Any]]:
        return await self._records.find(SYSTEM, self._own(model), where=where, sort=sort, limit=limit)

    async def get(self, model: str, record_id: int) -> dict[str, Any]:
        return await self._records.get(SYSTEM, self._own(model), record_id)

    async def create(self, model: str, values: Mapping[str, Any]) -> dict[str, Any]:
        return await self._records.create(SYSTEM, self._own(model), values)

    async def update(self, model: str, record_id: int, values: Mapping[str, Any]) -> dict[str, Any]:
        return await self._records.update(SYSTEM, self._own(model), record_id, values)

    async def delete(self, model: str, record_id: int) -> None:
        await self._records.delete(SYSTEM, self._own(model), record_id)

    def _own(self, model: str) -> str:
        if model not in self._models:
            own = ", ".join(sorted(self._models)) or "none"
            raise Forbidden(f"the plugin {self._plugin_id} may use its own models ({own}), not {model!r}")
        return model


class RecordsAs:
    """The records service for one caller: every model that the plugin may use, under that caller's rules."""

    def __init__(self, records: RecordStore, actor: Actor, own: Collection[str], permissions: Permissions) -> None:
        self._records = records
        self._actor = actor
        self._own = own
        self._permissions = permissions

    async def find(
        self, model: str, *, where: dict[str, Any] | None = None, sort: str = "id", limit: int = 500
    ) -> list[dict[str, Any]]:
        return await self._records.find(self._actor, self._read(model), where=where, sort=sort, limit=limit)

    async def get(self, model: str, record_id: int) -> dict[str, Any]:
        return await self._records.get(self._actor, self._read(model), record_id)

    async def create(self, model: str, values: Mapping[str, Any]) -> dict[str, Any]:
        return await self._records.create(self._actor, self._write(model), values)

    async def update(self, model: str, record_id: int, values: Mapping[str, Any]) -> dict[str, Any]:
        return await self._records.update(self._actor, self._write(model), record_id, values)

    async def delete(self, model: str, record_id: int) -> None:
        await self._records.delete(self._actor, self._write(model), record_id)

    def _read(self, model: str) -> str:
        if model not in self._own:
            self._permissions.need("records:read", f"reading {model}")
        return model

    def _write(self, model: str) -> str:
        if model not in self._own:
            self._permissions.need("records:write", f"changing {model}")
        return model


class HostContext:
    """One plugin's context; see PluginContext for what each member promises."""

    def __init__(
        self,
        plugin_id: str,
        records: RecordStore,
        models: Iterable[str],
        permissions: Permissions,
        settings: SettingsHolder,
        is_running: Callable[[str], bool],
    ) -> None:
        self.plugin_id = plugin_id
        self.log = logging.getLogger(f"plugin.{plugin_id}")
        self._models = frozenset(models)
        self.records = OwnRecords(plugin_id, records, self._models)
        self._notices = TokenBuckets()
        self.notification_kinds: frozenset[str] = frozenset()
        """The categories that people may silence."""
        self._permissions = permissions
        self._service = records
        self._settings = settings
        self._is_running = is_running
        self._tasks: Tasks | None = None
        self._files: Files | None = None
        self._send: Send | None = None
        self._fetcher: Fetcher | None = None
        self._secrets = PluginSecrets(plugin_id, records, os.environ)
        self._own_settings: dict[str, Any] = {}

    def configure(self, values: Mapping[str, Any], secret_variables: Mapping[str, str]) -> None:
        """Hand over its settings, and the environment variables that set secrets of it."""
        self._own_settings = dict(values)
        self._secrets = PluginSecrets(self.plugin_id, self._service, os.environ, secret_variables)

    @property
    def settings(self) -> dict[str, Any]:
        return copy.deepcopy(self._own_settings)

    def tasks_by(self, tasks: Tasks | None) -> None:
        """Who runs this plugin's tasks from now on."""
        self._tasks = tasks

    def files_by(self, files: Files | None) -> None:
        """Who keeps this plugin's files from now on."""
        self._files = files

    def messages_by(self, send: Send | None) -> None:
        """Who takes this plugin's messages to the channels from now on."""
        self._send = send

    async def close(self) -> None:
        """End its connections to others."""
        if self._fetcher is not None:
            await self._fetcher.close()

    async def start_task(self, name: str, actor: Actor | None, /, title: str = "", **given: Any) -> str:
        kind = f"{self.plugin_id}.{name}"
        if self._tasks is None or not self._tasks.knows(kind):
            raise NotFound(f"the plugin {self.plugin_id} has no task {name!r}")
        row = await self._tasks.submit(actor or SYSTEM, kind, title or name, given)
        return str(row["key"])

    @property
    def address(self) -> str:
        return f"{self._settings.current.base_path}/api/{self.plugin_id}/"

    @property
    def public_url(self) -> str:
        current = self._settings.current
        return f"{current.public_url or current.address}/api/{self.plugin_id}/"

    @property
    def data_folder(self) -> Path:
        return self._settings.current.data_dir

    async def groups_of(self, actor: Actor) -> list[str]:
        if actor.user_id is None:
            return []
        rows = await self._service.find(SYSTEM, "group_members", where={"user_id": actor.user_id})
        groups = await self._service.find(SYSTEM, "groups", where={"id__in": [row["group_id"] for row in rows]})
        return [str(group["name"]) for group in groups]

    async def time_zone_of(self, actor: Actor) -> str | None:
        return await chosen_zone(self._service, actor.user_id)

    def is_running(self, name: str) -> bool:
        return self._is_running(name)

    def records_as(self, actor: Actor) -> RecordsAs:
        return RecordsAs(self._service, actor, self._models, self._permissions)

    def secret(self, name: str) -> str | None:
        self._permissions.need("secrets", f"the secret {name}")
        return self._secrets.get(name)

    def secret_variable(self, name: str) -> str:
        return self._secrets.variable(name)

    async def put_secret(self, name: str, value: str) -> None:
        self._permissions.need("secrets", f"the secret {name}")
        await self._secrets.put(name, value)

    async def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        most_bytes: int = 1_048_576,
        seconds: float = 20.0,
        private: bool = False,
    ) -> Fetched:
        self._permissions.need("network", "fetch()")
        if self._fetcher is None:
            # Brings the HTTP client, without which a server that calls nobody does: 2 MB, and time at the start.
            from server.outbound.fetching import Fetcher

            self._fetcher = Fetcher()
        return await self._fetcher.fetch(
            url,
            method=method,
            headers=headers or {},
            body=body,
            most_bytes=most_bytes,
            seconds=seconds,
            private=private,
        )

    async def keep_file(self, name: str, body: bytes, content_type: str = "") -> int:
        if self._files is None:
            raise Busy("files are kept from the start of the plugin to its end; try again then")
        return (await self._files.upload(SYSTEM, _Bytes(name, content_type, body))).record_id

    async def send_message(self, channel: str, to: str, text: str, *, username: str | None = None) -> str:
        self._permissions.need("messages", "send_message()")
        if self._send is None:
            raise Busy("messages are sent from the start of the plugin to its end; try again then")
        return await self._send(channel, to, text, username)

    async def notify(
        self,
        title: str,
        *,
        message: str = "",
        severity: Severity = "info",
        category: str = "",
        action_url: str = "",
        audience: Audience = "everyone",
        username: str | None = None,
        user_id: int | None = None,
        key: str = "",
    ) -> bool:
        self._permissions.need("notifications", "notify()")
        if not self._notices.take("", rate=NOTICES_PER_SECOND, burst=NOTICES_AT_ONCE, now=time.monotonic()).allowed:
            self.log.error("notification %r was dropped: too many at once", title)
            return False
        kind = f"{self.plugin_id}.{category}" if category in self.notification_kinds else ""
        values = {"title": title, "severity": severity, "source": self.plugin_id}
        given = {"message": message, "category": category, "action_url": action_url}
        given["key"] = f"{self.plugin_id} {key}" if key else ""
        values.update({key: value for key, value in given.items() if value})
        try:
            await notify(self._service, values, audience=audience, username=username, user_id=user_id, kind=kind)
        except GridBearError as error:
            # What the notification tells of has happened already; failing here would undo nothing.
            self.log.error("notification %r could not be stored: %s", title, error.message)
            return False
        return True


@dataclass(frozen=True, slots=True)
class _Bytes:
    """A file that is there already."""

    name: str
    content_type: str
    body: bytes

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self.body
