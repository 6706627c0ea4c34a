from __future__ import annotations

from server.plugin_api import PluginContext, RecordEvent, on


@on("uptime_watch_sites", "create")
async def added(event: RecordEvent, plugin: PluginContext) -> None:
    await plugin.start_task("look", None, "Look at a new site")
