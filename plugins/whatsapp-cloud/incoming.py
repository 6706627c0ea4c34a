"""What Meta delivers, as records, each stored by its id: a delivery that comes again changes nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from server.plugin_api import Conflict, PluginContext

MESSAGES = "whatsapp_cloud_messages"
STATUSES = "whatsapp_cloud_statuses"
FETCH = "fetch_file"
MEDIA = ("image", "audio", "video", "document", "sticker")
ORDER = ("sent", "delivered", "read", "failed")


async def take(plugin: PluginContext, delivery: dict[str, Any]) -> None:
    """Store the messages and statuses of one delivery. What can't be read is told to the log: Meta would send it on."""
    for change in _changes(delivery, plugin.settings["phone_number_id"]):
        names = {str(it.get("wa_id")): _text(it, "profile", "name") for it in _list(change, "contacts")}
        for message in _list(change, "messages"):
            await _take_message(plugin, message, names)
        for status in _list(change, "statuses"):
            await _take_status(plugin, status)


async def follow_statuses(plugin: PluginContext, message_id: str) -> dict[str, Any] | None:
    """Bring a sent message to the furthest state that was told of it; the record if that changed it."""
    told = [it for it in await plugin.records.find(STATUSES, where={"message_id": message_id}) if it["state"] in ORDER]
    found = await plugin.records.find(MESSAGES, where={"message_id": message_id}, limit=1)
    if not told or not found:
        return None
    furthest = max(told, key=lambda it: ORDER.index(it["state"]))
    values = {"state": furthest["state"], "error": furthest["error"]}
    return await plugin.records.update(MESSAGES, found[0]["id"], values)


async def _take_message(plugin: PluginContext, message: dict[str, Any], names: dict[str, str | None]) -> None:
    message_id, contact, kind = (_text(message, name) for name in ("id", "from", "type"))
    if not message_id or not contact or not kind:
        plugin.log.warning("a message without id, sender or type was left out")
        return
    media_id = _text(message, kind, "id") if kind in MEDIA else None
    known = await plugin.records.find(MESSAGES, where={"message_id": message_id}, limit=1)
    row = known[0] if known else None
    if row is None:
        values = {
            "direction": "in",
            "contact": contact,
            "contact_name": names.get(contact),
            "kind": kind,
            "text": _words(message, kind),
            "state": "received",
            "at": _moment(message),
            "message_id": message_id,
            "media_id": media_id,
            "content": message,
        }
        try:
            row = await plugin.records.create(MESSAGES, values)
        except Conflict:
            # The same delivery came twice at once, and the other one sees to the rest.
            return
        await plugin.notify(
            f"WhatsApp from {row['contact_name'] or contact}",
            message=(row["text"] or f"({kind})")[:1000],
            category="message",
            audience="admins",
            action_url=f"#/data/{MESSAGES}?record={row['id']}",
        )
    if media_id and row["file"] is None and row["file_error"] is None:
        await plugin.start_task(FETCH, None, f"Fetch a file from WhatsApp ({kind})", record_id=row["id"])


async def _take_status(plugin: PluginContext, status: dict[str, Any]) -> None:
    message_id, state = _text(status, "id"), _text(status, "status")
    if not message_id or not state:
        plugin.log.warning("a status without id or state was left out")
        return
    values = {
        "message_id": message_id,
        "state": state,
        "contact": _text(status, "recipient_id"),
        "error": _error(status),
        "at": _moment(status),
        "event_id": f"{message_id}:{state}",
        "content": status,
    }
    with contextlib.suppress(Conflict):
        await plugin.records.create(STATUSES, values)
    await follow_statuses(plugin, message_id)


def _changes(delivery: dict[str, Any], number: str | None) -> Iterator[dict[str, Any]]:
    """What was told of our number; one app at Meta may have others as well."""
    for entry in _list(delivery, "entry"):
        for change in _list(entry, "changes"):
            value = change.get("value")
            if isinstance(value, dict) and number in (None, _text(value, "metadata", "phone_number_id")):
                yield value


def _words(message: dict[str, Any], kind: str) -> str | None:
    """What a person would read of it."""
    paths = (
        (kind, "body"), (kind, "caption"), (kind, "emoji"), (kind, "filename"), (kind, "text"), (kind, "name"),
        (kind, "button_reply", "title"), (kind, "list_reply", "title"),
    )  # fmt: skip
    return next((found for path in paths if (found := _text(message, *path))), None)


def _error(status: dict[str, Any]) -> str | None:
    for error in _list(status, "errors"):
        text = _text(error, "error_data", "details") or _text(error, "message") or _text(error, "title")
        return f"{text or 'no reason given'} (code {error.get('code')})"[:1000]
    return None


def _moment(of: dict[str, Any]) -> str:
    given = _text(of, "timestamp") or ""
    known = given.isascii() and given.isdigit() and len(given) < 11
    return (datetime.fromtimestamp(int(given), UTC) if known else datetime.now(UTC)).isoformat()


def _list(of: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = of.get(name)
    return [it for it in found if isinstance(it, dict)] if isinstance(found, list) else []


def _text(of: Any, *path: str) -> str | None:
    for name in path:
        of = of.get(name) if isinstance(of, dict) else None
    return of if isinstance(of, str) and of else None
