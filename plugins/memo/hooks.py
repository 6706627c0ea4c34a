"""The bell runs as long as the plugin does, and hears of every change, whoever made it."""

from __future__ import annotations

from server.plugin_api import PluginContext, RecordEvent, on, on_shutdown, on_startup

from .bell import Bell
from .book import MEMOS

_bells: list[Bell] = []


@on_startup
async def begin(plugin: PluginContext) -> None:
    _bells.append(Bell(plugin))
    _bells[0].start()


@on_shutdown
async def end() -> None:
    while _bells:
        await _bells.pop().stop()


@on(MEMOS, "create", "update", "import")
async def changed(event: RecordEvent, plugin: PluginContext) -> None:
    row = event.row
    if row is not None and row["told_at"] is not None and row["due_at"] > row["told_at"]:
        # It was told, and is to ring once more: this change comes here as well.
        await plugin.records.update(MEMOS, row["id"], {"told_at": None})
    for bell in _bells:
        bell.look()
