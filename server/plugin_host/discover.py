"""Find plugin folders and put them into load order. No code of a plugin runs here."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from server.errors import GridBearError
from server.plugin_host.manifest import MANIFEST_FILE, Manifest, check_id, read_manifest
from server.plugin_host.needs import fills, missing

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
    ignored: set[tuple[str, str]] = set()
    while True:
        graph = {plugin.id: _earlier(plugin, found, ignored) for plugin in found.values()}
        try:
            order = list(TopologicalSorter(graph).static_order())
        except CycleError as error:
            # Each of them needs the one before it in the list, which begins and ends with the same.
            circle = list(reversed(error.args[1]))
            steps = list(zip(circle, circle[1:], strict=False))
            loose = next((step for step in steps if not _requires(*(found[name] for name in step))), None)
            if loose is not None:
                ignored.add(loose)
                continue
            for plugin_id in set(circle):
                found[plugin_id].fail(
                    f"{plugin_id}/{MANIFEST_FILE}: the key 'dependencies': found a circle in which each plugin needs "
                    f"the next ({' -> '.join(circle)}), wanted none; take one step out or make it optional"
                )
            continue
        break
    ordered = [found[plugin_id] for plugin_id in order]
    for plugin in ordered:
        _check_dependencies(plugin, ordered)
    return ordered


def _earlier(plugin: FoundPlugin, found: dict[str, FoundPlugin], ignored: set[tuple[str, str]]) -> list[str]:
    if not plugin.is_good or plugin.manifest is None:
        return []
    wanted = plugin.manifest.dependencies
    return [
        other.id
        for other in found.values()
        if (plugin.id, other.id) not in ignored
        and any(fills(other, name) for name in (*wanted.required, *wanted.optional))
    ]


def _requires(plugin: FoundPlugin, other: FoundPlugin) -> bool:
    assert plugin.manifest is not None
    return any(fills(other, name) for name in plugin.manifest.dependencies.required)


def _check_dependencies(plugin: FoundPlugin, found: Sequence[FoundPlugin]) -> None:
    """Keep `plugin` out when a required one is missing or stays out itself."""
    if not plugin.is_good:
        return
    if (name := missing(plugin, found)) is not None:
        plugin.fail(f"needs the plugin {name!r}: no folder has this name, and no plugin provides it")
    elif (name := missing(plugin, (other for other in found if other.is_good))) is not None:
        plugin.fail(f"needs the plugin {name!r}, which stays out itself")
