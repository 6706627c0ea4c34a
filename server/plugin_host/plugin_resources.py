"""Resources of plugins: what the marked functions of `resources.py` list and read, under `gridbear://{plugin}/`."""

from __future__ import annotations

import base64
import logging
from typing import Any
from urllib.parse import quote, unquote

from server.access.actor import Actor
from server.errors import GridBearError, NotFound
from server.mcp_gateway.failures import INTERNAL_ERROR, INVALID_PARAMS, CallFailed, unknown_resource
from server.plugin_api import Resource, ResourceContent
from server.plugin_host.calls import PluginCall
from server.plugin_host.live import Failed, LivePlugin
from server.plugin_host.mount import WhenItFails
from server.plugin_marks import ResourceMark, marked

log = logging.getLogger(__name__)

FILE = "resources.py"
SECONDS = 30.0
MOST_LISTED = 5000


class PluginResources:
    """Those of one plugin, as the gateway wants them. Every call names its Actor; the plugin decides what they see."""

    def __init__(self, plugin: LivePlugin, module: Any, when_it_fails: WhenItFails) -> None:
        self._plugin = plugin
        self._when_it_fails = when_it_fails
        self.prefix = f"gridbear://{plugin.id}/"
        self.version = plugin.manifest.version
        found: dict[str, PluginCall] = {}
        for function, mark in marked(module, [ResourceMark]):
            if mark.does in found:
                raise Failed(f"{plugin.id}/{FILE}: there are two functions marked {mark.does}_resource(s)")
            found[mark.does] = PluginCall(plugin, FILE, function)
        if found.keys() != {"list", "read"}:
            raise Failed(f"{plugin.id}/{FILE}: one list_resources and one read_resource are wanted")
        self._list, self._read = found["list"], found["read"]
        if list(self._list.parameters) or list(self._read.parameters) != ["path"]:
            raise Failed(
                f"{plugin.id}/{FILE}: parameters beside PluginContext and Actor: none of the list, `path` of the read"
            )

    def templates(self) -> list[dict[str, Any]]:
        """The one template of them all."""
        title = self._plugin.manifest.title
        return [{"uriTemplate": f"{self.prefix}{{+path}}", "name": self._plugin.id, "title": title}]

    async def listed(self, actor: Actor) -> list[dict[str, Any]]:
        """What `actor` is told of; nothing when the plugin fails."""
        try:
            answer = await self._list({}, actor=actor, seconds=SECONDS)
            return [self._shown(one) for one in answer[:MOST_LISTED]]
        except GridBearError as error:
            log.warning("plugin %s lists no resources: %s", self._plugin.id, error.message)
        except Exception as error:
            log.exception("plugin %s: %s failed", self._plugin.id, self._list.where)
            await self._when_it_fails(self._plugin.id, self._list.where, error)
        return []

    async def read(self, actor: Actor, uri: str, *, modern: bool) -> dict[str, Any]:
        """The result of resources/read. Raises CallFailed."""
        rest = uri.removeprefix(self.prefix)
        try:
            if "?" in rest or "#" in rest:
                raise NotFound("no such resource")
            content = await self._read({"path": unquote(rest, errors="strict")}, actor=actor, seconds=SECONDS)
            return {"contents": [self._content(uri, content)]}
        except (NotFound, UnicodeDecodeError):
            raise unknown_resource(uri, modern=modern) from None
        except GridBearError as error:
            raise CallFailed(INVALID_PARAMS, error.message, {"uri": uri, "code": error.code}) from error
        except Exception as error:
            log.exception("plugin %s: %s failed", self._plugin.id, self._read.where)
            await self._when_it_fails(self._plugin.id, self._read.where, error)
            raise CallFailed(INTERNAL_ERROR, f"{uri} could not be read; the server's log says why.") from error

    def _shown(self, one: Any) -> dict[str, Any]:
        if not isinstance(one, Resource):
            raise TypeError(f"a list of Resource is wanted, not of {type(one).__name__}")
        told = {"title": one.title, "description": one.description, "mimeType": one.mime_type, "size": one.size}
        given = {name: value for name, value in told.items() if value is not None}
        return {"uri": self.prefix + quote(one.path, safe="/"), "name": one.name, **given}

    def _content(self, uri: str, content: Any) -> dict[str, Any]:
        if not isinstance(content, ResourceContent):
            raise TypeError(f"a ResourceContent is wanted, not {type(content).__name__}")
        if content.text is not None:
            return {"uri": uri, "mimeType": content.mime_type, "text": content.text}
        blob = base64.b64encode(content.data or b"").decode()
        return {"uri": uri, "mimeType": content.mime_type, "blob": blob}
