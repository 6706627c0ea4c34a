"""The rows of the model `plugins`: what a person decided about each plugin, and what became of it."""

from __future__ import annotations

from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any

from server.access.actor import SYSTEM
from server.errors import NotFound
from server.mcp_gateway.plugin_servers import forget_plugin_servers
from server.plugin_host.consent import servers_asked
from server.plugin_host.discover import FoundPlugin
from server.plugin_host.leftovers import LeftRunning
from server.plugin_host.live import Failed
from server.plugin_host.manifest import Manifest
from server.records.service import Records

MODEL = "plugins"
ON_FROM_THE_START = frozenset({"webhook-inbox"})
"""Bundled plugins that nobody has to switch on: they do nothing until somebody gives them a secret."""
OWN_MODELS = "own_models"
_NO_FAILURE = {"error": None, "traceback": None}
_MAX_TRACE = 20_000


class PluginRows:
    """One row for every plugin that was ever found. Nothing else writes them."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def is_enabled(self, plugin_id: str) -> bool:
        """Whether a person, or for the webhook inbox the program, switched it on."""
        row = self._row(plugin_id)
        return row is not None and bool(row["enabled"])

    async def row(self, plugin_id: str) -> dict[str, Any]:
        """The row as people see it. Raises NotFound."""
        row = self._row(plugin_id)
        if row is None:
            raise NotFound(f"There is no plugin {plugin_id!r}.", code="unknown_plugin")
        return await self._records.get(SYSTEM, MODEL, row["id"])

    def row_now(self, plugin_id: str) -> dict[str, Any] | None:
        """The row as it is stored; None without one."""
        return self._row(plugin_id)

    def tables_of_others(self, plugin_id: str) -> dict[str, str]:
        """Tables that are not this plugin's, each with whose it is in words."""
        owners = {
            table: f"the plugin {row['name']}"
            for row in self._records.all_now(SYSTEM, MODEL)
            if row["name"] != plugin_id
            for table in row["models"]
        }
        own = {row["name"]: "a model that was made here" for row in self._records.all_now(SYSTEM, OWN_MODELS)}
        return owners | own

    async def brought(self, plugin_id: str, models: Sequence[str]) -> None:
        """It brought these models: their tables are its own from now on."""
        row = self._row(plugin_id)
        if row is not None:
            await self._change(plugin_id, {"models": sorted({*row["models"], *models})})

    async def forget(self, plugin_id: str) -> None:
        """There is no such plugin any more, nor anything of it."""
        await forget_plugin_servers(self._records, plugin_id)
        row = self._row(plugin_id)
        if row is not None:
            await self._records.delete(SYSTEM, MODEL, row["id"])

    async def follow(self, found: Sequence[FoundPlugin], *, bundled: Path, running: Container[str]) -> None:
        """Make rows for new folders, take over what the manifests say, and mark those that are gone."""
        present = {plugin.id for plugin in found}
        known = {row["name"]: row for row in self._records.all_now(SYSTEM, MODEL)}
        for plugin in found:
            told = _told(plugin, bundled)
            row = known.get(plugin.id)
            if row is None:
                enabled = told["bundled"] and plugin.manifest is not None and plugin.id in ON_FROM_THE_START
                told |= _allowed(plugin, enabled)
                await self._records.create(SYSTEM, MODEL, {"name": plugin.id, **told, "enabled": enabled})
                continue
            told |= _allowed(plugin, told["bundled"] and bool(row["enabled"]))
            if plugin.id not in running and row["state"] == "missing":
                told["state"] = "off"
            if plugin.error is not None and not row["enabled"]:
                told["error"] = plugin.error
            await self._change(plugin.id, told)
        for name, row in known.items():
            if name not in present and row["state"] != "missing":
                await self._change(name, {"state": "missing"})

    async def switch_on(self, plugin_id: str, manifest: Manifest, content_hash: str) -> None:
        """It was switched on by somebody who saw what it asks for and these files."""
        told = {"enabled": True, "content_hash": content_hash, "failures": 0}
        await self._change(plugin_id, {**told, **_consent(plugin_id, manifest)})

    async def switch_off(self, plugin_id: str, failure: Failed | None = None) -> None:
        """It is off; with `failure` because of that, or with that left of it."""
        state = "off" if failure is None or isinstance(failure, LeftRunning) else "failed"
        await self._change(plugin_id, {"enabled": False, "state": state, **_failure(failure)})

    async def running(self, plugin_id: str) -> None:
        """It runs."""
        await self._change(plugin_id, {"state": "on", **_NO_FAILURE})

    async def failed(self, plugin_id: str, failure: Failed) -> None:
        """It stays out."""
        await self._change(plugin_id, {"state": "failed", **_failure(failure)})

    async def failed_again(self, plugin_id: str, failure: Failed, more: int) -> None:
        """A running plugin failed `more` times; `failure` is the newest."""
        row = self._row(plugin_id)
        if row is not None:
            await self._change(plugin_id, {"failures": int(row["failures"]) + more, **_failure(failure)})

    def error_of(self, plugin_id: str) -> str | None:
        """What went wrong with it last, if anything did since it was switched on."""
        row = self._row(plugin_id)
        return None if row is None else row["error"]

    def _row(self, plugin_id: str) -> dict[str, Any] | None:
        return self._records.look_up(SYSTEM, MODEL, "name", plugin_id)

    async def _change(self, plugin_id: str, values: dict[str, Any]) -> None:
        row = self._row(plugin_id)
        if row is None:
            return
        now = await self._records.get(SYSTEM, MODEL, row["id"])
        different = {name: value for name, value in values.items() if now[name] != value}
        if different:
            await self._records.update(SYSTEM, MODEL, row["id"], different)


def _told(plugin: FoundPlugin, bundled: Path) -> dict[str, Any]:
    told: dict[str, Any] = {"bundled": plugin.folder.parent == bundled}
    if plugin.manifest is not None:
        manifest = plugin.manifest
        told |= {"title": manifest.title, "version": manifest.version, "description": manifest.description or None}
    return told


def _allowed(plugin: FoundPlugin, by_the_program: bool) -> dict[str, Any]:
    """What came with the program and is on has what it asks for: nobody was asked, or an update asks for more."""
    if plugin.manifest is None or not by_the_program:
        return {}
    return _consent(plugin.id, plugin.manifest)


def _consent(plugin_id: str, manifest: Manifest) -> dict[str, Any]:
    return {"permissions": list(manifest.permissions), "mcp_servers": servers_asked(plugin_id, manifest)}


def _failure(failure: Failed | None) -> dict[str, Any]:
    if failure is None:
        return dict(_NO_FAILURE)
    return {"error": failure.message, "traceback": failure.trace[-_MAX_TRACE:] if failure.trace else None}
