from __future__ import annotations

from datetime import UTC, datetime, timedelta

from server.plugin_api import GridBearError, PluginContext, Report, schedule, task

INVOICES = "invoice_inbox_invoices"


@task(idempotent=True, attempts=3)
async def file_document(plugin: PluginContext, report: Report, invoice_id: int) -> dict[str, int]:
    row = await plugin.records.get(INVOICES, invoice_id)
    if row["document"]:
        return {"file": row["document"]}
    sum_due = f"{row['amount']:.2f} {row['currency']}, due {row['due_at'][:10]}"
    text = f"Invoice {row['number']}\nFrom {row['sender']}\n{sum_due}\n"
    file_id = await plugin.keep_file(f"{row['number']}.txt", text.encode(), "text/plain")
    await plugin.records.update(INVOICES, invoice_id, {"document": file_id})
    return {"file": file_id}


@schedule(cron="0 8 * * *", title="Tell of invoices that are due")
async def tell(plugin: PluginContext, report: Report) -> None:
    until = datetime.now(UTC) + timedelta(days=plugin.settings["days_before"])
    rows = await plugin.records.find(
        INVOICES, where={"state": "open", "due_at__lte": until.strftime("%Y-%m-%dT%H:%M:%S.000Z")}, sort="due_at"
    )
    for row in rows:
        title = f"Invoice {row['number']} of {row['amount']:.2f} {row['currency']} is due on {row['due_at'][:10]}"
        await plugin.notify(title, category="due", audience="admins", key=f"due-{row['id']}")
        channel, to = plugin.settings["messenger"], plugin.settings["to"]
        if channel and to and plugin.is_running(channel):
            # Kept and tried again by the server; admins are told when it can't be sent.
            try:
                await plugin.send_message(channel, to, title)
            except GridBearError as error:
                report.log(f"{channel} does not take it: {error.message}")
        await plugin.records.update(INVOICES, row["id"], {"state": "told"})
        report.log(title)
