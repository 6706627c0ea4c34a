"""Find plugin folders and put them into load order. No code of a plugin runs here."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from server.errors import GridBearError
from server.plugin_host.manifest import MANIFEST_FILE, Manifest, check_id, read_manifest

log = logging.getLogger(__name__)


@dataclass(slots=True)
class FoundPlugin:
    """One plugin folder: its manifest, or the reason why it stays out."""

    id: str
    folder: Path
    manifest: Manifest | None = None
    warnings: tuple[str, ...] = ()
    error: str | None = None
    """What keeps the plugin out, in a sentence for its author; None for a good one."""
    traceback: str | None = None

    @property
    def is_good(self) -> bool:
        return self.error is None and self.manifest is not None

    def fail(self, error: str, traceback: str | None = None) -> None:
        """Keep this plugin out and say why."""
        self.error, self.traceback = error, traceback
        log.error("plugin %s stays out: %s", self.id, error)


def find_plugins(roots: Iterable[Path]) -> list[FoundPlugin]:
    """Every folder with a manifest.json below `roots`, in load order; the first folder of a name wins.

    Broken ones are in the list with `error` set and stop nobody else.
    """
    found: dict[str, FoundPlugin] = {}
    for root in roots:
        for folder in _plugin_folders(root):
            if folder.name in found:
                log.warning("plugin folder %s is not used: %s comes first", folder, found[folder.name].folder)
                continue
            found[folder.name] = _check(folder)
    return _in_load_order(found)


def _plugin_folders(root: Path) -> Sequence[Path]:
    try:
        return sorted(entry for entry in root.iterdir() if (entry / MANIFEST_FILE).is_file())
    except FileNotFoundError:
        return ()
    except OSError as error:
        log.error("plugin folder %s can't be read: %s", root, error)
        return ()


def _check(folder: Path) -> FoundPlugin:
    plugin = FoundPlugin(folder.name, folder)
    try:
        check_id(plugin.id)
        checked = read_manifest(folder)
    except GridBearError as error:
        plugin.fail(error.message)
        return plugin
    plugin.manifest, plugin.warnings = checked.manifest, checked.warnings
    for warning in checked.warnings:
        log.warning("%s", warning)
    return plugin


def _in_load_order(found: dict[str, FoundPlugin]) -> list[FoundPlugin]:
    while True:
        graph = {plugin.id: _needs(plugin, found) for plugin in found.values()}
        try:
            order = list(TopologicalSorter(graph).static_order())
        except CycleError as error:
            cycle = error.args[1]
            for plugin_id in set(cycle):
                found[plugin_id].fail(f"dependencies run in a circle: {' -> '.join(reversed(cycle))}")
            continue
        break
    ordered = [found[plugin_id] for plugin_id in order]
    for plugin in ordered:
        check_dependencies(plugin, found)
    return ordered


def _needs(plugin: FoundPlugin, found: dict[str, FoundPlugin]) -> list[str]:
    if not plugin.is_good or plugin.manifest is None:
        return []
    wanted = plugin.manifest.dependencies
    return [other for other in (*wanted.required, *wanted.optional) if other in found]


def check_dependencies(plugin: FoundPlugin, found: dict[str, FoundPlugin]) -> None:
    """Keep `plugin` out when a required one is missing or stays out itself."""
    if not plugin.is_good or plugin.manifest is None:
        return
    for other in plugin.manifest.dependencies.required:
        if other not in found:
            plugin.fail(f"needs the plugin {other!r}, and there is no folder of this name")
            return
        if not found[other].is_good:
            plugin.fail(f"needs the plugin {other!r}, which stays out itself")
            return
