"""What happens at the start, and after changes of records."""

from __future__ import annotations

from server.plugin_api import PluginContext, RecordEvent, on, on_startup


@on_startup
async def begin(plugin: PluginContext) -> None:
    plugin.log.info("ready at %s", plugin.address)


@on("my_plugin_items", "update")
async def changed(event: RecordEvent, plugin: PluginContext) -> None:
    if event.row is not None and event.row["done"]:
        plugin.log.info("done: %s", event.row["title"])
