from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import humanize

from server.plugin_api import Forbidden, PluginContext, Report, UpstreamFailed, schedule, task

SITES, LOOKS = "uptime_watch_sites", "uptime_watch_looks"


def moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


# One function may be both: every five minutes, and whenever `start_task("look", …)` says so.
@schedule(every_seconds=300, title="Look at all sites", missed="skip")
@task(idempotent=True)
async def look(plugin: PluginContext, report: Report) -> dict[str, int]:
    sites = await plugin.records.find(SITES)
    for number, site in enumerate(sites, 1):
        await look_at(plugin, site)
        report.progress(number / len(sites), site["name"])
    return {"sites": len(sites)}


async def look_at(plugin: PluginContext, site: dict[str, Any]) -> None:
    began, note = time.perf_counter(), ""
    try:
        # An admin chose the address: it may be one of this network.
        answer = await plugin.fetch(site["url"], seconds=plugin.settings["seconds"], private=True)
        if answer.status >= 400:
            note = f"it answers {answer.status}"
    except (UpstreamFailed, Forbidden) as error:
        note = error.message
    took = (time.perf_counter() - began) * 1000
    found = {"site_id": site["id"], "up": not note, "milliseconds": took, "note": note or None}
    await plugin.records.create(LOOKS, found)
    state = "down" if note else "up"
    if state == site["state"]:
        return
    now = datetime.now(UTC)
    await plugin.records.update(SITES, site["id"], {"state": state, "since": moment(now)})
    if site["state"] != "new" or state == "down":
        before = site["since"] and datetime.fromisoformat(site["since"])
        lasted = f" after {humanize.naturaldelta(now - before)}" if before else ""
        await plugin.notify(
            f"{site['name']} is {state}{lasted}",
            message=note,
            severity="error" if note else "success",
            category="down",
            audience="admins",
            action_url="#/uptime",
        )


@schedule(cron="20 3 * * *", title="Sum up the looks", process=True)
async def sum_up(plugin: PluginContext, report: Report) -> None:
    oldest = moment(datetime.now(UTC) - timedelta(days=plugin.settings["keep_days"]))
    while old := await plugin.records.find(LOOKS, where={"created_at__lt": oldest}):
        for row in old:
            await plugin.records.delete(LOOKS, row["id"])
    sites = await plugin.records.find(SITES)
    for number, site in enumerate(sites, 1):
        looks = await looks_at(plugin, site["id"])
        times = [row["milliseconds"] for row in looks if row["up"]]
        told = {
            "looks": len(looks),
            "up": len(times) / len(looks) if looks else None,
            "median_ms": median(times) if times else None,
        }
        await plugin.records.update(SITES, site["id"], {"report": told})
        report.progress(number / len(sites), site["name"])


async def looks_at(plugin: PluginContext, site_id: int) -> list[dict[str, Any]]:
    """All of them: `find` gives 500 at once."""
    found: list[dict[str, Any]] = []
    while more := await plugin.records.find(
        LOOKS, where={"site_id": site_id, "id__gt": found[-1]["id"] if found else 0}, sort="id"
    ):
        found += more
    return found
