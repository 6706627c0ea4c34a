"""The folders as MCP resources: `gridbear://files/FOLDER/PATH`."""

from __future__ import annotations

import asyncio
import mimetypes

from server.plugin_api import Actor, NotFound, PluginContext, Resource, ResourceContent, list_resources, read_resource

from .folders import Folder, opened, visible
from .text import text_of

MOST = 200
"""So many files of each folder are listed; the tools find the others."""


@list_resources
async def listed(plugin: PluginContext, actor: Actor) -> list[Resource]:
    """The files at the top of each folder."""
    found: list[Resource] = []
    for folder in (await visible(plugin, actor)).values():
        try:
            found += await asyncio.to_thread(_of, folder)
        except Exception as error:
            # A disk that is not there just now, say: the other folders are.
            plugin.log.warning("the folder %s can't be listed: %s", folder.name, error)
    return found


@read_resource
async def read(plugin: PluginContext, actor: Actor, path: str) -> ResourceContent:
    """A file: its text, or its bytes."""
    name, _, below = path.partition("/")
    if not below:
        raise NotFound("a resource is a file: gridbear://files/FOLDER/PATH")
    tree = await opened(plugin, actor, name)
    data = await asyncio.to_thread(tree.read, below)
    text = text_of(data)
    if text is not None:
        return ResourceContent(_mime_type(below) or "text/plain", text=text)
    return ResourceContent(_mime_type(below) or "application/octet-stream", data=data)


def _of(folder: Folder) -> list[Resource]:
    entries = folder.tree.listed("", 0, MOST)["entries"]
    return [
        Resource(f"{folder.name}/{entry['name']}", entry["name"], _mime_type(entry["name"]), size=entry["size"])
        for entry in entries
        if entry["kind"] == "file"
    ]


def _mime_type(name: str) -> str | None:
    found, encoding = mimetypes.guess_type(name, strict=True)
    return found if encoding is None else None
