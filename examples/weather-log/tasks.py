from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx2

from server.plugin_api import PluginContext, Report, UpstreamFailed, schedule

READINGS = "weather_log_readings"


@schedule(every_seconds=3600, title="Ask for the weather", missed="skip")
async def ask(plugin: PluginContext, report: Report) -> dict[str, object]:
    settings = plugin.settings
    key = plugin.secret("api_key")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    report.progress(0.1, f"asking about {settings['city']}")
    try:
        async with httpx2.AsyncClient(timeout=20) as client:
            answer = await client.get(settings["url"], params={"city": settings["city"]}, headers=headers)
            answer.raise_for_status()
            told = answer.json()
            values = {"city": settings["city"], "degrees": float(told["degrees"]), "sky": told.get("sky")}
    except (httpx2.HTTPError, KeyError, TypeError, ValueError) as error:
        raise UpstreamFailed(f"the weather service gave no weather: {error}") from error
    row = await plugin.records.create(READINGS, values)
    report.log(f"{row['degrees']} degrees in {row['city']}")
    before = (datetime.now(UTC) - timedelta(days=settings["keep_days"])).isoformat()
    for old in await plugin.records.find(READINGS, where={"created_at__lt": before}):
        await plugin.records.delete(READINGS, old["id"])
    return {"degrees": row["degrees"]}
