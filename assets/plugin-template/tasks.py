"""Background work, started by `plugin.start_task("tidy", actor)`."""

from __future__ import annotations

from server.plugin_api import PluginContext, Report, task


@task(idempotent=True, attempts=3)
async def tidy(plugin: PluginContext, report: Report) -> dict[str, int]:
    done = await plugin.records.find("my_plugin_items", where={"done": True})
    for number, row in enumerate(done, 1):
        await plugin.records.delete("my_plugin_items", row["id"])
        report.progress(number / len(done), f"{number} of {len(done)}")
    return {"removed": len(done)}
