"""Pages of plugins: the folder `ui`, whose `main.js` the page imports."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any, NamedTuple

from server.models.base import Base
from server.plugin_host.live import Failed, LivePlugin, failure_of

FOLDER = "ui"
FILE = "ui/main.js"


class Pages(NamedTuple):
    """The pages of one running plugin."""

    title: str
    folder: Path
    version: str
    """Another one after each start, so that a browser takes no old module for a new one."""
    widgets: list[str]
    """The fields that the module may draw, as `model.field`."""


class PluginPages:
    """The contribution, and what it knows of running plugins."""

    def __init__(self) -> None:
        self._of_plugin: dict[str, Pages] = {}

    async def contribute(self, plugin: LivePlugin) -> None:
        """Take in the pages of a plugin, if it has any."""
        widgets = plugin.manifest.field_widgets
        if not (plugin.folder / FILE).is_file():
            if widgets:
                raise Failed(f"{plugin.id}/manifest.json: field_widgets wants a {FILE} that draws them")
            return
        try:
            plugin.need("pages", FILE)
            for key in widgets:
                _check_own(plugin, key)
        except Exception as error:
            raise failure_of(plugin.id, FILE, error) from error
        self._of_plugin[plugin.id] = Pages(plugin.manifest.title, plugin.folder / FOLDER, secrets.token_hex(4), widgets)
        plugin.stack.callback(self._of_plugin.pop, plugin.id, None)

    def folder_of(self, plugin_id: str) -> Path | None:
        """Where the files of a running plugin with pages lie."""
        found = self._of_plugin.get(plugin_id)
        return None if found is None else found.folder

    def modules(self, base_path: str) -> list[dict[str, Any]]:
        """What the page imports: plugin, title, the address of its module, and the fields that it may draw."""
        return [
            {
                "plugin": plugin_id,
                "title": pages.title,
                "module": f"{base_path}/plugins/{plugin_id}/{FILE}?v={pages.version}",
                "widgets": pages.widgets,
            }
            for plugin_id, pages in sorted(self._of_plugin.items())
        ]


def _check_own(plugin: LivePlugin, key: str) -> None:
    model, _, field = key.partition(".")
    if model not in plugin.models or field not in Base.metadata.tables[model].columns:
        own = ", ".join(plugin.models) or "none"
        raise Failed(
            f"{plugin.id}/manifest.json: field_widgets: found {key!r}, wanted a field of one of its models ({own}), "
            "as model.field"
        )
