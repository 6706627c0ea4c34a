"""The folders for AI clients."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from pydantic import Field

from server.plugin_api import Actor, PluginContext, ValidationFailed, tool

from .folders import opened, visible
from .search import search as search_tree
from .text import lines_of

Path = Annotated[str, Field(description="Below the folder, such as notes/todo.txt; empty: the folder itself.")]
FirstLine = Annotated[int, Field(ge=1)]
Lines = Annotated[int, Field(ge=1, le=5000)]
Offset = Annotated[int, Field(ge=0)]
Limit = Annotated[int, Field(ge=1, le=500)]


@tool(title="Folders", read_only=True)
async def folders(plugin: PluginContext, actor: Actor) -> dict[str, Any]:
    """The folders of this computer that you may use, and whether you may write in them."""
    found = await visible(plugin, actor)
    return {"folders": [{"name": it.name, "writable": it.writable} for it in found.values()]}


@tool(title="List a folder", read_only=True, name="list")
async def listed(
    plugin: PluginContext, actor: Actor, folder: str, path: Path = "", offset: Offset = 0, limit: Limit = 200
) -> dict[str, Any]:
    """What is in a folder, by name: files with size and time of change, folders first. `left_out` counts links, hidden
    and special files, which can't be used."""
    tree = await opened(plugin, actor, folder)
    return await asyncio.to_thread(tree.listed, path, offset, limit)


@tool(title="Read a text", read_only=True)
async def read(
    plugin: PluginContext, actor: Actor, folder: str, path: Path, first_line: FirstLine = 1, lines: Lines = 1000
) -> dict[str, Any]:
    """Lines of a text file in UTF-8. `next_line` tells where to go on. Other files are read as resources:
    gridbear://files/FOLDER/PATH."""
    tree = await opened(plugin, actor, folder)
    data = await asyncio.to_thread(tree.read, path)
    return {"path": path, **lines_of(data, first_line, lines)}


@tool(title="Search a folder", read_only=True)
async def search(
    plugin: PluginContext,
    actor: Actor,
    folder: str,
    text: Annotated[str, Field(min_length=1, max_length=200)],
    where: Literal["names", "contents"] = "names",
    path: Path = "",
    limit: Limit = 100,
) -> dict[str, Any]:
    """Files and folders by a part of their name, or lines of text files that hold a text; capitals make no difference.
    `complete` is false when there may be more: search a folder further down, or a longer text."""
    tree = await opened(plugin, actor, folder)
    return await asyncio.to_thread(search_tree, tree, text, path, where, limit)


@tool(title="Write a text", destructive=True)
async def write(
    plugin: PluginContext, actor: Actor, folder: str, path: Path, text: str, overwrite: bool = False
) -> dict[str, Any]:
    """Write a text file whole. One that is there is only replaced with `overwrite`, and kept in the trash."""
    tree = await opened(plugin, actor, folder, to_write=True)
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise ValidationFailed.of("text", "invalid_value", "no valid Unicode") from None
    await asyncio.to_thread(tree.write, path, data, overwrite=overwrite)
    return {"path": path, "size": len(data)}


@tool(title="Make a folder")
async def make_folder(plugin: PluginContext, actor: Actor, folder: str, path: Path) -> dict[str, Any]:
    """Make a folder in one that is there."""
    tree = await opened(plugin, actor, folder, to_write=True)
    await asyncio.to_thread(tree.make_folder, path)
    return {"path": path}


@tool(title="Move a file or folder", destructive=True)
async def move(plugin: PluginContext, actor: Actor, folder: str, path: Path, to: Path) -> dict[str, Any]:
    """Move or rename a file or folder within its folder. Nothing is overwritten."""
    tree = await opened(plugin, actor, folder, to_write=True)
    await asyncio.to_thread(tree.move, path, to)
    return {"path": to}


@tool(title="Delete a file or folder", destructive=True)
async def delete(plugin: PluginContext, actor: Actor, folder: str, path: Path) -> dict[str, Any]:
    """Move a file or folder to the folder's trash, from where a person can bring it back."""
    tree = await opened(plugin, actor, folder, to_write=True)
    return {"deleted": path, "in_trash_as": await asyncio.to_thread(tree.delete, path)}
