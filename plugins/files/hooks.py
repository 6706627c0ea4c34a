"""Folders that no client should get keep the plugin out, with the reason where admins look for it."""

from __future__ import annotations

from server.plugin_api import PluginContext, on_startup

from .folders import check_all


@on_startup
async def check(plugin: PluginContext) -> None:
    check_all(plugin)
