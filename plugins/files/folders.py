"""The folders of the settings, and who may see which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from server.plugin_api import Actor, Forbidden, NotFound, PluginContext, ValidationFailed

from .tree import Tree


class Folder(NamedTuple):
    """One that a caller may see."""

    name: str
    writable: bool
    tree: Tree


async def visible(plugin: PluginContext, actor: Actor) -> dict[str, Folder]:
    """Those that `actor` may see, by name."""
    groups = {f"group:{name}" for name in await plugin.groups_of(actor)}
    may = groups | ({"everyone"} if actor.is_signed_in else set()) | ({"admins"} if actor.is_admin else set())
    given = plugin.settings["folders"]
    return {it["name"]: _folder(plugin, it) for it in given if may & set(it.get("who", ["admins"]))}


async def opened(plugin: PluginContext, actor: Actor, name: str, *, to_write: bool = False) -> Tree:
    """One of them. Raises NotFound for one that is not there and one that they may not see alike, and Forbidden."""
    folder = (await visible(plugin, actor)).get(name)
    if folder is None:
        raise NotFound(f"There is no folder {name!r}; the tool folders tells which there are.")
    if to_write and not folder.writable:
        raise Forbidden(f"The folder {name} is to read only; the settings decide it.", code="read_only")
    return folder.tree


def check_all(plugin: PluginContext) -> None:
    """Raise ValidationFailed when the settings name a folder that no client should get, or two of one name."""
    given = plugin.settings["folders"]
    names = [it["name"] for it in given]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValidationFailed.of("folders", "twice", f"two folders are named {twice[0]}")
    for it in given:
        tree = _folder(plugin, it).tree
        tree.check()
        if not tree.is_there:
            # A disk that is not there just now keeps the other folders from nobody.
            plugin.log.warning("the folder %s (%s) is not there", it["name"], it["path"])


def check_new(plugin: PluginContext, given: Mapping[str, Any]) -> None:
    """Raise ValidationFailed when a folder could not be added to the settings."""
    tree = _folder(plugin, given).tree
    tree.check()
    if not tree.is_there:
        raise ValidationFailed.of("path", "folder", f"there is no folder {given['path']}")
    if any(it["name"] == given["name"] for it in plugin.settings["folders"]):
        raise ValidationFailed.of("name", "twice", f"there is a folder {given['name']} already")


def _folder(plugin: PluginContext, given: Mapping[str, Any]) -> Folder:
    tree = Tree(
        given["path"],
        hidden=given.get("hidden", False),
        private=plugin.data_folder,
        max_bytes=plugin.settings["max_file_bytes"],
    )
    return Folder(given["name"], given.get("writable", False), tree)
