"""Install and uninstall plugins: looked at first, put in place in one step, and the old files kept."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from server.access.actor import Actor
from server.access.demands import demand_admin
from server.db.copying import keep_latest
from server.errors import Conflict, NotFound
from server.plugin_host.consent import asked, newly_asked
from server.plugin_host.content_hash import content_hash
from server.plugin_host.host import PluginHost
from server.plugin_host.libraries.libraries import Libraries
from server.plugin_host.package import Staged, stage, write_zip
from server.records.times import now_text

KEPT_COPIES = 5


class Installer:
    """Only admins install and uninstall. `copies` gets a zip of every folder that goes."""

    def __init__(self, host: PluginHost, own: Path, tmp: Path, copies: Path, libraries: Libraries) -> None:
        self._host = host
        self._own = own
        self._tmp = tmp
        self._copies = copies
        self._libraries = libraries
        self._fetching = asyncio.Lock()

    async def install(
        self,
        actor: Actor,
        source: Path,
        *,
        name: str | None = None,
        dry_run: bool = False,
        replace: bool = False,
        expected: str | None = None,
    ) -> dict[str, Any]:
        """What the plugin at `source` (folder or zip) is, and unless `dry_run` its row as `plugin`, once in place.

        It is off until somebody enables it; one that was on goes on, unless it asks for more permissions than before.
        `expected` is the content hash that was looked at before. Raises NoPlugin, ManifestError, NotFound, and Conflict
        (`plugin_exists` unless `replace`, `content_changed`).
        """
        _admins_only(actor)
        async with self._staged(source, name) as staged:
            there = self._own / staged.id
            digest = await asyncio.to_thread(content_hash, there) if there.is_dir() else None
            told = self._told(staged, digest)
            if expected is not None and expected != staged.content_hash:
                raise Conflict(
                    f"The files are not those that were looked at: found {staged.content_hash}, wanted {expected}. "
                    "Look at them again.",
                    code="content_changed",
                )
            if dry_run:
                return {**told, "plugin": None}
            self._check_place(staged.id, replace)
            row = await self._host.with_other_files(staged.id, lambda: self._put(staged, replace))
            await self._host.note("plugin_installed", actor, staged.id, staged.content_hash)
            return {**told, "plugin": row}

    async def uninstall(self, actor: Actor, plugin_id: str, *, drop_data: bool = False) -> dict[str, Any]:
        """Remove the folder of a plugin, and with `drop_data` its tables, secrets and row. Copies of both are kept.

        Raises NotFound, and Conflict for a bundled one, one that others need, and one that other records refer to.
        """
        _admins_only(actor)
        if self._host.is_bundled(plugin_id):
            raise Conflict(f"The plugin {plugin_id} came with GridBear; disable it.", code="plugin_bundled")
        self._host.check_known(plugin_id)
        kept: list[Path] = []
        dropped = await self._host.remove(
            plugin_id, lambda: kept.extend(self._take(self._own / plugin_id)), drop_data=drop_data
        )
        await asyncio.to_thread(self._libraries.forget, plugin_id)
        await self._host.note("plugin_uninstalled", actor, plugin_id, "with its data" if drop_data else None)
        return {"name": plugin_id, "copy": str(kept[0]) if kept else None, "dropped": dropped}

    async def restore(self, actor: Actor, plugin_id: str) -> dict[str, Any]:
        """Put back the latest copy of a plugin's folder, off; answers as `install`.

        Raises NotFound where no copy is kept, and Conflict (`plugin_exists`) where a folder is there.
        """
        _admins_only(actor)
        kept = await asyncio.to_thread(self._latest_copy, plugin_id)
        if kept is None:
            raise NotFound(f"No copy of a plugin {plugin_id} is kept.")
        return await self.install(actor, kept, name=plugin_id)

    async def install_libraries(self, actor: Actor, plugin_id: str, *, dry_run: bool = False) -> dict[str, Any]:
        """Fetch the libraries that a plugin asks for, and start it again if it is on. `dry_run` only tells which.

        `restart` is true where older files of them are in memory. Raises NotFound, UpstreamFailed with what pip says,
        and Conflict and BadWheel for what is not taken in.
        """
        _admins_only(actor)
        manifest = self._host.named(plugin_id).manifest
        if manifest is None:
            raise Conflict(f"The plugin {plugin_id} can't be used; mend its manifest first.", code="plugin_broken")
        async with self._fetching:
            before = self._libraries.of(plugin_id)
            install = partial(self._libraries.install, plugin_id, manifest.requirements, dry_run=dry_run)
            record = await asyncio.to_thread(install)
            told = {"name": plugin_id, "libraries": record, "restart": False, "plugin": None}
            if dry_run:
                return told
            told["restart"] = record != before and self._libraries.are_loaded(plugin_id)
            detail = ", ".join(f"{it['name']} {it['version']}" for it in record)
            await self._host.note("plugin_libraries", actor, plugin_id, detail or "none")
            return {**told, "plugin": await self._host.with_other_files(plugin_id, lambda: None)}

    @asynccontextmanager
    async def _staged(self, source: Path, name: str | None) -> AsyncIterator[Staged]:
        place = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="plugin-", dir=self._tmp))
        try:
            yield await asyncio.to_thread(stage, source, place, name)
        finally:
            await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)

    def _told(self, staged: Staged, digest_there: str | None) -> dict[str, Any]:
        manifest = staged.checked.manifest
        installed = self._host.row_now(staged.id)
        return {
            "name": staged.id,
            "manifest": manifest.model_dump(mode="json"),
            "warnings": list(staged.checked.warnings),
            "permissions": asked(staged.id, manifest),
            "new_permissions": newly_asked(staged.id, manifest, installed),
            "content_hash": staged.content_hash,
            "commit": staged.commit,
            "files": staged.files,
            "bytes": staged.bytes,
            "installed": {
                "version": None if installed is None else installed["version"],
                "content_hash": digest_there,
                "enabled": installed is not None and installed["enabled"],
            }
            if digest_there is not None
            else None,
        }

    def _check_place(self, plugin_id: str, replace: bool) -> None:
        if self._host.is_bundled(plugin_id):
            raise Conflict(f"A plugin {plugin_id} came with GridBear; rename yours.", code="plugin_exists")
        if (self._own / plugin_id).exists() and not replace:
            raise Conflict(
                f"There is a plugin {plugin_id} already. Replace it with replace=true (--replace); a copy of its "
                "folder is kept, and its records stay.",
                code="plugin_exists",
            )

    def _put(self, staged: Staged, replace: bool) -> None:
        # Another one may have come while this one waited for its turn.
        self._check_place(staged.id, replace)
        there = self._own / staged.id
        old = staged.folder.parent / ".old"
        if there.exists():
            self._keep(there)
            there.rename(old)
        try:
            staged.folder.rename(there)
        except OSError:
            if old.exists():
                old.rename(there)
            raise

    def _take(self, folder: Path) -> list[Path]:
        if not folder.exists():
            return []
        kept = self._keep(folder)
        # First out of the way in one step: a folder that is half removed must not be found.
        gone = Path(tempfile.mkdtemp(prefix="plugin-", dir=self._tmp))
        folder.rename(gone / folder.name)
        shutil.rmtree(gone, ignore_errors=True)
        return [kept]

    def _latest_copy(self, plugin_id: str) -> Path | None:
        """Copies sort by the moment in their names. An id has no dot, so that no other plugin's are found."""
        if not self._copies.is_dir():
            return None
        return max((it for it in self._copies.iterdir() if it.name.split(".")[0] == plugin_id), default=None)

    def _keep(self, folder: Path) -> Path:
        self._copies.mkdir(mode=0o700, parents=True, exist_ok=True)
        moment = now_text().replace("-", "").replace(":", "").replace(".", "")
        target = self._copies / f"{folder.name}.{moment}.zip"
        write_zip(folder, target)
        keep_latest(self._copies, f"{folder.name}.*.zip", KEPT_COPIES)
        return target


def wanted_name(file_name: str) -> str:
    """The id that the name of an uploaded zip stands for: `weather.zip` or `weather-1.2.zip` -> `weather`."""
    stem = file_name.replace("\\", "/").rpartition("/")[2].removesuffix(".zip")
    head, _, version = stem.rpartition("-")
    return head if head and version[:1].isdigit() else stem


def _admins_only(actor: Actor) -> None:
    demand_admin(actor, "Only admins install plugins.")
