"""Channels: plugins of the type `channel` that take messages to people outside. Each message is a durable task."""

from __future__ import annotations

import logging
import re
from typing import Any, NamedTuple

from pydantic_core import to_jsonable_python

from server.access.actor import INTERNAL, SYSTEM, Actor
from server.errors import Conflict, GridBearError, NotFound, ValidationFailed
from server.plugin_host.calls import PluginCall
from server.plugin_host.contained import in_thread
from server.plugin_host.discover import FoundPlugin
from server.plugin_host.host import PluginHost
from server.plugin_host.live import Failed, LivePlugin, failure_of
from server.plugin_host.load import load_part
from server.plugin_marks import ChannelMark, marked
from server.records.notify import notify
from server.records.people_by_name import person_named
from server.records.service import Records
from server.tasks.kinds import Kind, TaskFailed
from server.tasks.looks import MODEL
from server.tasks.queue import Tasks
from server.tasks.report import Report

log = logging.getLogger(__name__)

FILE = "channel.py"
SEND_SECONDS = 60.0
ATTEMPTS = 10
"""With growing waits between them: a good quarter of an hour in all."""
_AT_ONCE = 2
_WANTED = {"to", "text"}


class Channel(NamedTuple):
    """The way of one running plugin to people."""

    plugin: LivePlugin
    call: PluginCall
    mark: ChannelMark


class PluginChannels:
    """The contribution, and what is sent through it."""

    def __init__(self, host: PluginHost, tasks: Tasks, records: Records) -> None:
        self._host = host
        self._tasks = tasks
        self._records = records
        self._live: dict[str, Channel] = {}

    async def contribute(self, plugin: LivePlugin) -> None:
        """Let a plugin send through the channels of all, and take in its own, if it has one."""
        plugin.context.messages_by(self._sent_by_plugin)
        plugin.stack.callback(plugin.context.messages_by, None)
        try:
            module = await in_thread(f"{plugin.id}/{FILE}", lambda: load_part(plugin.id, plugin.folder, "channel"))
            if module is None:
                return
            if plugin.manifest.type != "channel":
                raise Failed(f'{plugin.id}/{FILE}: it needs "type": "channel" in manifest.json')
            plugin.need("messages", FILE)
            channel = _channel(plugin, marked(module, [ChannelMark]))
        except Exception as error:
            raise failure_of(plugin.id, FILE, error) from error
        self._live[plugin.id] = channel
        plugin.stack.callback(self._live.pop, plugin.id, None)
        kind = Kind(
            _kind(plugin.id),
            self._run,
            at_once=_AT_ONCE,
            retried=True,
            attempts=ATTEMPTS,
            when_lost=self._tell_of_lost,
            for_admins=True,
        )
        self._tasks.register(kind)
        plugin.stack.push_async_callback(self._tasks.unregister, kind.name)

    def listed(self) -> list[dict[str, Any]]:
        """Every channel that there is: its plugin, the names it goes by, its state, whom it reaches while it runs."""
        found = []
        for plugin in self._channels():
            live = self._live.get(plugin.id)
            found.append(
                {
                    "plugin": plugin.id,
                    "names": _names(plugin),
                    "state": "on" if live else "off" if not self._is_wanted(plugin.id) else "failed",
                    "reaches": live.mark.reaches if live else None,
                }
            )
        return found

    async def send(
        self, name: str, to: str, text: str, *, username: str | None = None, agent: str | None = None
    ) -> str:
        """Store a message for the channel `name`; it is sent from there, and again where that may help.

        Returns the key of its task. `username`, else the admins, are told when it could not be sent.
        Raises NotFound (`unknown_channel`), Conflict (`channel_off`, `channel_failed`), ValidationFailed.
        """
        plugin, mark, _ = self._ready(name)
        if mark.to_pattern and not re.fullmatch(mark.to_pattern, to):
            raise ValidationFailed.of("chat_id", "unreachable", f"{plugin.id} can't reach {to!r}. {mark.reaches}")
        if username is not None:
            person = person_named(self._records, username)
            if person is None or not person["is_active"]:
                raise ValidationFailed.of("username", "unknown_user", f"there is no active user {username!r}")
            username = str(person["username"])
        given = {"plugin": plugin.id, "to": to, "text": text, "username": username, "agent_name": agent}
        row = await self._tasks.submit(SYSTEM, _kind(plugin.id), f"{plugin.manifest.title}: message to {to}", given)
        return str(row["key"])

    async def _sent_by_plugin(self, channel: str, to: str, text: str, username: str | None) -> str:
        return await self.send(channel, to, text, username=username)

    async def message(self, key: str) -> dict[str, Any]:
        """What became of a message. Raises NotFound."""
        found = await self._records.find(SYSTEM, MODEL, where={"key": key}, limit=1)
        if not found or not found[0]["kind"].startswith(_kind("")):
            raise NotFound(f"There is no message {key!r}.")
        return found[0]

    # Parts

    def _channels(self) -> list[FoundPlugin]:
        return [it for it in self._host.found if it.manifest is not None and it.manifest.type == "channel"]

    def _is_wanted(self, plugin_id: str) -> bool:
        return bool((self._host.row_now(plugin_id) or {}).get("enabled"))

    def _ready(self, name: str) -> tuple[LivePlugin, ChannelMark, PluginCall]:
        named = [plugin for plugin in self._channels() if name in _names(plugin)]
        if not named:
            known = ", ".join(f"{it['names'][-1]} ({it['state']})" for it in self.listed()) or "none"
            raise NotFound(f"There is no channel {name!r}. There are: {known}.", code="unknown_channel")
        for plugin in named:
            if (live := self._live.get(plugin.id)) is not None:
                return live.plugin, live.mark, live.call
        plugin = named[0]
        if not self._is_wanted(plugin.id):
            raise Conflict(
                f"The channel {name} is the plugin {plugin.id}, which is off: an admin switches it on.",
                code="channel_off",
            )
        reason = plugin.error or (self._host.row_now(plugin.id) or {}).get("error") or f"it brings no {FILE}"
        raise Conflict(
            f"The channel {name} is the plugin {plugin.id}, which does not work: {reason}", code="channel_failed"
        )

    async def _run(self, _actor: Actor, given: dict[str, Any], _report: Report) -> Any:
        channel = self._live[given["plugin"]]
        values = {"to": given["to"], "text": given["text"]}
        try:
            return to_jsonable_python(await channel.call(values, actor=INTERNAL, seconds=SEND_SECONDS))
        except GridBearError:
            raise
        except Exception as error:
            log.exception("plugin %s: a message was not sent", channel.plugin.id)
            await self._host.failed(channel.plugin.id, channel.call.where, error)
            slow = isinstance(error, TimeoutError)
            text = f"did not answer within {SEND_SECONDS:g} s" if slow else "failed; the server's log says why"
            # It may have been sent all the same, and twice is worse than once more by hand.
            raise TaskFailed(f"The plugin {channel.plugin.id} {text}.", for_good=True) from error

    async def _tell_of_lost(self, row: dict[str, Any]) -> None:
        given = row["input"]
        values = {
            "title": f"Not sent: {row['title']}"[:200],
            "message": row["error"],
            "severity": "error",
            "category": "message",
            "source": given["plugin"],
            "action_url": "#/automations/tasks",
        }
        try:
            await notify(self._records, values, audience="admins", username=given["username"])
        except GridBearError as error:
            # They left meanwhile, say; the task itself has the whole story.
            log.error("nobody was told of %s: %s", row["key"], error.message)


def _kind(plugin_id: str) -> str:
    # No plugin's own kind has a colon in it.
    return f"send-message:{plugin_id}"


def _names(plugin: FoundPlugin) -> list[str]:
    assert plugin.manifest is not None
    return [plugin.id, *plugin.manifest.provides]


def _channel(plugin: LivePlugin, functions: list[tuple[Any, ChannelMark]]) -> Channel:
    if len(functions) != 1:
        raise Failed(f"{plugin.id}/{FILE}: one function with @channel is wanted, found {len(functions)}")
    function, mark = functions[0]
    call = PluginCall(plugin, FILE, function)
    needed = {name for name, it in call.parameters.items() if it.default is it.empty}
    if not set(call.parameters) >= _WANTED or needed - _WANTED:
        raise Failed(
            f"{plugin.id}/{call.where}: the parameters to and text are wanted, and no others without a default"
        )
    try:
        re.compile(mark.to_pattern)
    except re.error as error:
        raise Failed(f"{plugin.id}/{call.where}: to_pattern is no regular expression: {error}") from error
    return Channel(plugin, call, mark)
