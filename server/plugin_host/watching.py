"""Developer mode: plugins are loaded again by themselves when their files change."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path

from server.access.actor import SYSTEM
from server.config import SettingsHolder
from server.errors import GridBearError
from server.plugin_host.content_hash import plugin_files
from server.plugin_host.host import PluginHost
from server.plugin_host.manifest import MANIFEST_FILE

log = logging.getLogger(__name__)

SECONDS = 1.0

Marks = dict[str, tuple[tuple[str, int, int], ...]]
"""Name, time and size of each file of each plugin."""


class Watcher:
    """Looks at the folders once a second while the setting `plugin_dev` is on."""

    def __init__(self, host: PluginHost, roots: Iterable[Path], settings: SettingsHolder) -> None:
        self._host = host
        self._roots = tuple(roots)
        self._settings = settings
        self._seen: Marks | None = None

    async def run(self) -> None:
        """Never returns."""
        while True:
            try:
                await self.look()
            except (GridBearError, OSError) as error:
                log.warning("the plugins' folders could not be watched: %s", error)
            await asyncio.sleep(SECONDS)

    async def look(self) -> None:
        """Load what changed since the last look; the first look only takes note."""
        if not self._settings.current.plugin_dev:
            self._seen = None
            return
        before, now = self._seen, await asyncio.to_thread(_marks, self._roots)
        self._seen = now
        if before is None:
            return
        if before.keys() != now.keys():
            await self._host.rescan()
        for plugin_id in sorted(name for name in before.keys() & now.keys() if before[name] != now[name]):
            row = self._host.row_now(plugin_id)
            if row is None or not row["enabled"]:
                continue
            log.info("plugin %s: its files changed", plugin_id)
            await self._host.reload(SYSTEM, plugin_id)


def _marks(roots: Iterable[Path]) -> Marks:
    found: Marks = {}
    for root in roots:
        for folder in sorted(root.iterdir()) if root.is_dir() else ():
            if folder.name not in found and (folder / MANIFEST_FILE).is_file():
                found[folder.name] = tuple(_mark(folder))
    return found


def _mark(folder: Path) -> Iterable[tuple[str, int, int]]:
    for file in plugin_files(folder):
        try:
            state = file.stat()
        except FileNotFoundError:
            # An editor that writes a new file and renames it.
            continue
        yield file.relative_to(folder).as_posix(), state.st_mtime_ns, state.st_size
