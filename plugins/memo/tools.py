"""Reminders for AI clients. Nobody reaches those of anybody else, and the answer tells what was understood."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from server.plugin_api import Actor, PluginContext, tool

from .book import Book, now

Zone = Annotated[str | None, Field(description="Such as Europe/Rome; if left out, the person's own.")]


@tool(title="Add a reminder")
async def add(plugin: PluginContext, actor: Actor, sentence: str, time_zone: Zone = None) -> dict[str, Any]:
    """Remind the person later, by a notification. One English sentence says what and when, and how often if it
    repeats: "call mum tomorrow at 9", "tea in 20 minutes", "water the plants every 2 weeks on sunday at 18:00".
    Tell the person the `when` of the answer."""
    return await _book(plugin, actor).add(sentence, now(), time_zone)


@tool(title="List reminders", read_only=True, name="list")
async def listed(plugin: PluginContext, actor: Actor, done: bool = False) -> dict[str, Any]:
    """The person's open reminders, next first; with `done` the finished ones instead."""
    return {"memos": await _book(plugin, actor).listed(now(), done=done)}


@tool(title="Finish a reminder")
async def done(plugin: PluginContext, actor: Actor, memo_id: int) -> dict[str, Any]:
    """Mark a reminder as done. One that repeats goes on to its next time."""
    return await _book(plugin, actor).done(memo_id, now())


@tool(title="Snooze a reminder")
async def snooze(
    plugin: PluginContext, actor: Actor, memo_id: int, until: str, time_zone: Zone = None
) -> dict[str, Any]:
    """Let a reminder ring at another time: "in 10 minutes", "tomorrow at 9"."""
    return await _book(plugin, actor).snooze(memo_id, until, now(), time_zone)


@tool(title="Delete a reminder", destructive=True)
async def delete(plugin: PluginContext, actor: Actor, memo_id: int) -> dict[str, Any]:
    """Delete a reminder for good."""
    await _book(plugin, actor).delete(memo_id)
    return {"deleted": memo_id}


def _book(plugin: PluginContext, actor: Actor) -> Book:
    # What the person lets a client use is decided at the tool; it may have no right to records at all.
    return Book(plugin, actor, plugin.records)
