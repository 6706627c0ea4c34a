from __future__ import annotations

from server.plugin_api import NotFound, PluginContext, tool

ITEMS = "shopping_list_items"


@tool(title="What is to be bought", read_only=True)
async def to_buy(plugin: PluginContext) -> list[dict[str, object]]:
    """What is on the shopping list and not bought yet."""
    rows = await plugin.records.find(ITEMS, where={"bought": False}, sort="what")
    return [{"what": row["what"], "amount": row["amount"], "shop": row["shop"]} for row in rows]


@tool(title="Put on the shopping list")
async def put(plugin: PluginContext, what: str, amount: int = 1) -> dict[str, object]:
    """Put something on the shopping list; more of it if it is there already."""
    found = await plugin.records.find(ITEMS, where={"what": what, "bought": False}, limit=1)
    if found:
        row = await plugin.records.update(ITEMS, found[0]["id"], {"amount": found[0]["amount"] + amount})
    else:
        row = await plugin.records.create(ITEMS, {"what": what, "amount": amount})
    return {"what": row["what"], "amount": row["amount"]}


@tool(title="Bought")
async def bought(plugin: PluginContext, what: str) -> str:
    """Tick something off the shopping list."""
    found = await plugin.records.find(ITEMS, where={"what": what, "bought": False}, limit=1)
    if not found:
        raise NotFound(f"{what} is not on the list")
    await plugin.records.update(ITEMS, found[0]["id"], {"bought": True})
    return f"{what} is bought"
