"""The plugin's context inside a worker process: the same names, each asked of the server."""

from __future__ import annotations

import asyncio
import copy
import logging
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from server.access.actor import Actor
from server.plugin_api import Audience, Fetched, Severity

Ask = Callable[[str, list[Any], dict[str, Any]], Future[Any]]
"""Asks the server for a deed of the context, with its positional and named arguments."""


class RemoteRecords:
    """`PluginRecords`, asked of the server under `whose` rules: `records` or `records_as`."""

    def __init__(self, ask: Ask, whose: str) -> None:
        self._ask = ask
        self._whose = whose

    async def find(
        self, model: str, *, where: dict[str, Any] | None = None, sort: str = "id", limit: int = 500
    ) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self._asked("find", [model], where=where, sort=sort, limit=limit)
        return found

    async def get(self, model: str, record_id: int) -> dict[str, Any]:
        row: dict[str, Any] = await self._asked("get", [model, record_id])
        return row

    async def create(self, model: str, values: Mapping[str, Any]) -> dict[str, Any]:
        row: dict[str, Any] = await self._asked("create", [model, dict(values)])
        return row

    async def update(self, model: str, record_id: int, values: Mapping[str, Any]) -> dict[str, Any]:
        row: dict[str, Any] = await self._asked("update", [model, record_id, dict(values)])
        return row

    async def delete(self, model: str, record_id: int) -> None:
        await self._asked("delete", [model, record_id])

    async def _asked(self, name: str, words: list[Any], **named: Any) -> Any:
        return await asyncio.wrap_future(self._ask(f"{self._whose}.{name}", words, named))


class RemoteContext:
    """What `server.plugin_api.PluginContext` promises; its actor is always the one that the task runs for."""

    def __init__(self, told: Mapping[str, Any], log: logging.Logger, ask: Ask) -> None:
        self.plugin_id: str = told["plugin"]
        self.address: str = told["address"]
        self.public_url: str = told["public_url"]
        self.log = log
        self.records = RemoteRecords(ask, "records")
        self._data_folder = Path(told["data_folder"])
        self._settings: dict[str, Any] = told["settings"]
        self._ask = ask

    @property
    def settings(self) -> dict[str, Any]:
        return copy.deepcopy(self._settings)

    def records_as(self, actor: Actor) -> RemoteRecords:
        return RemoteRecords(self._ask, "records_as")

    @property
    def data_folder(self) -> Path:
        return self._data_folder

    async def groups_of(self, actor: Actor) -> list[str]:
        groups: list[str] = await asyncio.wrap_future(self._ask("groups_of", [], {}))
        return groups

    async def time_zone_of(self, actor: Actor) -> str | None:
        zone: str | None = await asyncio.wrap_future(self._ask("time_zone_of", [], {}))
        return zone

    def is_running(self, name: str) -> bool:
        return bool(self._ask("is_running", [name], {}).result())

    def secret(self, name: str) -> str | None:
        value: str | None = self._ask("secret", [name], {}).result()
        return value

    def secret_variable(self, name: str) -> str:
        return str(self._ask("secret_variable", [name], {}).result())

    async def put_secret(self, name: str, value: str) -> None:
        await asyncio.wrap_future(self._ask("put_secret", [name, value], {}))

    async def start_task(self, name: str, actor: Actor | None, /, title: str = "", **given: Any) -> str:
        return str(await asyncio.wrap_future(self._ask("start_task", [name, title, actor is None], given)))

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
        named = {"method": method, "headers": dict(headers or {}), "body": None if body is None else _text_of(body),
                 "most_bytes": most_bytes, "seconds": seconds, "private": private}  # fmt: skip
        told = await asyncio.wrap_future(self._ask("fetch", [url], named))
        return Fetched(told["status"], told["headers"], b64decode(told["body"]))

    async def keep_file(self, name: str, body: bytes, content_type: str = "") -> int:
        return int(await asyncio.wrap_future(self._ask("keep_file", [name, _text_of(body), content_type], {})))

    async def send_message(self, channel: str, to: str, text: str, *, username: str | None = None) -> str:
        named = {"username": username}
        return str(await asyncio.wrap_future(self._ask("send_message", [channel, to, text], named)))

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
        named = {"message": message, "severity": severity, "category": category, "action_url": action_url,
                 "audience": audience, "username": username, "user_id": user_id, "key": key}  # fmt: skip
        return bool(await asyncio.wrap_future(self._ask("notify", [title], named)))


def _text_of(body: bytes) -> str:
    return b64encode(body).decode()
