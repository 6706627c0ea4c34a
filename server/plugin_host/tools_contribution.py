"""Tools and resources of plugins: a virtual MCP server for each that has a `tools.py` or a `resources.py`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import to_jsonable_python

from server.access.actor import Actor
from server.errors import GridBearError
from server.mcp_gateway.catalogue.tool import Tool, catalogue_of
from server.mcp_gateway.gateway import Gateway
from server.mcp_gateway.own_results import failure, refusal, result
from server.plugin_host.calls import PluginCall
from server.plugin_host.contained import in_thread
from server.plugin_host.live import Failed, LivePlugin, failure_of
from server.plugin_host.load import load_part
from server.plugin_host.mount import WhenItFails
from server.plugin_host.plugin_resources import FILE as RESOURCES
from server.plugin_host.plugin_resources import PluginResources
from server.plugin_marks import ToolMark, marked
from server.problem_words import problem_words

log = logging.getLogger(__name__)

FILE = "tools.py"
CALL_SECONDS = 60.0


class PluginTools:
    """The contribution."""

    def __init__(self, gateway: Gateway, when_it_fails: WhenItFails) -> None:
        self._gateway = gateway
        self._when_it_fails = when_it_fails

    async def contribute(self, plugin: LivePlugin) -> None:
        """Offer the tools and resources of a plugin, if it has any."""
        where = FILE
        try:
            tools = await in_thread(f"{plugin.id}/{FILE}", lambda: load_part(plugin.id, plugin.folder, "tools"))
            functions = marked(tools, [ToolMark]) if tools is not None else []
            server = PluginServer(plugin, functions, self._when_it_fails)
            where = RESOURCES
            more = await in_thread(f"{plugin.id}/{where}", lambda: load_part(plugin.id, plugin.folder, "resources"))
            if more is not None:
                server.resources = PluginResources(plugin, more, self._when_it_fails)
            if tools is None and more is None:
                return
            where = FILE if tools is not None else RESOURCES
            plugin.need("mcp_tools", where)
        except Exception as error:
            raise failure_of(plugin.id, where, error) from error
        self._gateway.host(server)
        plugin.stack.callback(self._gateway.unhost, server.name)


class PluginServer:
    """The tools of one plugin, as the gateway wants a server of this program."""

    def __init__(self, plugin: LivePlugin, functions: list[tuple[Any, ToolMark]], when_it_fails: WhenItFails) -> None:
        self.name = plugin.id
        self.resources: PluginResources | None = None
        self._when_it_fails = when_it_fails
        self._calls: dict[str, _ToolCall] = {}
        for function, mark in functions:
            if mark.name in self._calls:
                raise Failed(f"{plugin.id}/{FILE}: there are two tools named {mark.name}")
            self._calls[mark.name] = _ToolCall(plugin, function, mark)
        listed = [call.raw for call in self._calls.values()]
        open_ones = [call.raw for call in self._calls.values() if not call.mark.admins_only]
        version = plugin.manifest.version
        self._for_admins = catalogue_of(self.name, listed, version)
        self._for_others = catalogue_of(self.name, open_ones, version)

    def tools(self, actor: Actor) -> Mapping[str, Tool]:
        """The tools that `actor` may call, by public name."""
        if not actor.is_signed_in or not actor.covers_server(self.name):
            return {}
        return self._for_admins if actor.is_admin else self._for_others

    async def call(self, actor: Actor, tool: Tool, arguments: dict[str, Any] | None) -> dict[str, Any]:
        """Call one of them. What is refused or wrong is a result that says so."""
        call = self._calls[tool.name]
        try:
            values = call.arguments.model_validate(arguments or {})
        except ValidationError as error:
            problems = [f"{'.'.join(map(str, it['loc'])) or 'arguments'}: {problem_words(it)}" for it in error.errors()]
            return refusal("; ".join(problems))
        given = {name: getattr(values, name) for name in call.arguments.model_fields}
        try:
            answer = await call.function(given, actor=actor, seconds=CALL_SECONDS)
            return result(_as_object(to_jsonable_python(answer)))
        except GridBearError as error:
            return failure(error)
        except Exception as error:
            log.exception("plugin %s: the tool %s failed", self.name, tool.name)
            await self._when_it_fails(self.name, call.function.where, error)
            slow = isinstance(error, TimeoutError)
            text = f"did not answer within {CALL_SECONDS:g} s" if slow else "failed; the server's log says why"
            return refusal(f"The tool {tool.name} {text}.", "plugin_failed")


class _ToolCall:
    def __init__(self, plugin: LivePlugin, function: Any, mark: ToolMark) -> None:
        self.mark = mark
        self.function = PluginCall(plugin, FILE, function)
        if not mark.description:
            raise Failed(f"{plugin.id}/{self.function.where}: a docstring is wanted; it is what AI clients read")
        fields: dict[str, Any] = {}
        for name, parameter in self.function.parameters.items():
            if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                raise Failed(f"{plugin.id}/{self.function.where}: *{name} can't be an argument of a tool")
            hint = self.function.hints.get(name)
            if hint is None:
                raise Failed(f"{plugin.id}/{self.function.where}: the parameter {name} needs a type")
            fields[name] = (hint, ... if parameter.default is parameter.empty else parameter.default)
        self.arguments: type[BaseModel] = create_model(
            f"{mark.name}_arguments", __config__=ConfigDict(extra="forbid"), **fields
        )
        schema = self.arguments.model_json_schema()
        schema.pop("title", None)
        self.raw: dict[str, Any] = {
            "name": mark.name,
            "description": mark.description,
            "inputSchema": {"properties": {}, **schema},
            "annotations": {"readOnlyHint": mark.read_only, "destructiveHint": mark.destructive},
        }
        if mark.title:
            self.raw["title"] = mark.title


def _as_object(answer: Any) -> dict[str, Any]:
    # Structured content is an object in every version of the protocol.
    return answer if isinstance(answer, dict) else {"result": answer}
