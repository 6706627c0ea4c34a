from __future__ import annotations

from server.plugin_api import Actor, NotFound, PluginContext, Resource, ResourceContent, list_resources, read_resource

INVOICES = "invoice_inbox_invoices"


@list_resources
async def listed(plugin: PluginContext, actor: Actor) -> list[Resource]:
    if not actor.is_admin:
        return []
    rows = await plugin.records.find(INVOICES, sort="-due_at")
    return [Resource(f"invoices/{row['number']}", f"Invoice {row['number']}", "text/plain") for row in rows]


@read_resource
async def read(plugin: PluginContext, actor: Actor, path: str) -> ResourceContent:
    rows = []
    if actor.is_admin:
        rows = await plugin.records.find(INVOICES, where={"number": path.removeprefix("invoices/")}, limit=1)
    if not rows:
        raise NotFound("there is no such invoice")
    row = rows[0]
    return ResourceContent("text/plain", text=f"{row['number']}: {row['amount']} {row['currency']} to {row['sender']}")
