"""The libraries of each plugin, in a folder of its own that is appended to `sys.path` while the plugin runs."""

from __future__ import annotations

import importlib
import json
import shutil
import sys
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from server.errors import Conflict
from server.plugin_host.libraries.pip import Pinned, fetch, resolve
from server.plugin_host.libraries.requirements import clashes, found_on, missing
from server.plugin_host.libraries.wheels import BadWheel, name_and_version, sha256_of, unpack

RECORD = "libraries.json"


class Libraries:
    """`folder` holds one folder for each plugin. Everything here blocks."""

    def __init__(self, folder: Path, tmp: Path) -> None:
        self._folder = folder
        self._tmp = tmp
        self._in_use: dict[str, str] = {}
        self._bundled: dict[str, str] | None = None

    def of(self, plugin_id: str) -> list[dict[str, str]]:
        """What is installed for a plugin: name, version, file and sha256 of each."""
        try:
            found: list[dict[str, str]] = json.loads((self._folder / plugin_id / RECORD).read_text("utf-8"))
        except (OSError, ValueError):
            return []
        return found

    def check(self, plugin_id: str, requirements: Collection[str]) -> None:
        """Raise Conflict when a library is missing (`library_missing`) or clashes (`library_clash`)."""
        if not requirements:
            return
        self._check_clashes(plugin_id, requirements)
        if lacking := missing(requirements, {**self._program(), **self._versions(plugin_id)}):
            raise Conflict(
                f"it needs {', '.join(lacking)}, which is not installed. Install it: "
                f"`gridbear plugin libraries {plugin_id}`, or POST /api/v1/plugins/{plugin_id}/libraries.",
                code="library_missing",
            )
        self._check_clashes(plugin_id, [f"{name}=={version}" for name, version in self._versions(plugin_id).items()])

    def install(self, plugin_id: str, requirements: Collection[str], *, dry_run: bool = False) -> list[dict[str, str]]:
        """Fetch what is needed, as wheels, and put it in place of what was there. Returns it as `of` does.

        Raises Conflict (`library_clash`, `library_changed`), BadWheel, UpstreamFailed. Nothing is changed then.
        """
        self._check_clashes(plugin_id, requirements)
        place = Path(tempfile.mkdtemp(prefix="libraries-", dir=self._tmp))
        try:
            others = {name: version for owner in self._others(plugin_id).values() for name, version in owner.items()}
            pinned = resolve(requirements, {**others, **self._program()}, place)
            self._check_pinned(plugin_id, pinned)
            if dry_run:
                return [{"name": it.name, "version": it.version, "sha256": it.sha256} for it in pinned]
            made = place / "made"
            made.mkdir()
            record = []
            for wheel in fetch(pinned, place):
                unpack(wheel, made)
                name, version = name_and_version(wheel)
                record.append({"name": name, "version": version, "file": wheel.name, "sha256": sha256_of(wheel)})
            if [(it["name"], it["sha256"]) for it in record] != [(it.name, it.sha256) for it in pinned]:
                raise BadWheel("pip fetched other wheels than it said")
            (made / RECORD).write_text(json.dumps(record, indent=1), "utf-8")
            self._swap(plugin_id, made, place / "old")
            return record
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def put(self, plugin_id: str) -> None:
        """Let a plugin that starts import its libraries: after everything else, so that nothing of ours is replaced."""
        folder = str(self._folder / plugin_id)
        if self.of(plugin_id) and folder not in sys.path:
            sys.path.append(folder)
            importlib.invalidate_caches()
        self._in_use[plugin_id] = folder

    def take(self, plugin_id: str) -> None:
        """The plugin ended. What was imported stays in memory until the server ends."""
        folder = self._in_use.pop(plugin_id, "")
        if folder in sys.path:
            sys.path.remove(folder)

    def are_loaded(self, plugin_id: str) -> bool:
        """Whether modules of them are in memory: newer files need a restart of the server then."""
        inside = self._folder / plugin_id
        files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
        return any(file is not None and Path(file).is_relative_to(inside) for file in files)

    def forget(self, plugin_id: str) -> None:
        """Remove them."""
        shutil.rmtree(self._folder / plugin_id, ignore_errors=True)

    def _versions(self, plugin_id: str) -> dict[str, str]:
        return {it["name"]: it["version"] for it in self.of(plugin_id)}

    def _others(self, plugin_id: str) -> dict[str, Mapping[str, str]]:
        folders = [it.name for it in self._folder.iterdir()] if self._folder.is_dir() else []
        return {f"the plugin {name}": self._versions(name) for name in sorted(folders) if name != plugin_id}

    def _program(self) -> dict[str, str]:
        # Not at the start of the server: most plugins need nothing.
        if self._bundled is None:
            self._bundled = found_on([part for part in sys.path if not Path(part).is_relative_to(self._folder)])
        return self._bundled

    def _check_clashes(self, plugin_id: str, requirements: Collection[str]) -> None:
        owners = {"GridBear itself": self._program(), **self._others(plugin_id)}
        if found := clashes(requirements, owners):
            raise Conflict(f"{'; '.join(found)}. Both can't be loaded at once.", code="library_clash")

    def _check_pinned(self, plugin_id: str, pinned: Collection[Pinned]) -> None:
        self._check_clashes(plugin_id, [f"{it.name}=={it.version}" for it in pinned])
        known: dict[tuple[str, str], Any] = {(it["name"], it["version"]): it["sha256"] for it in self.of(plugin_id)}
        for it in pinned:
            if known.get((it.name, it.version), it.sha256) != it.sha256:
                raise Conflict(
                    f"{it.name} {it.version} has another hash than when it was installed: found {it.sha256}, wanted "
                    f"{known[it.name, it.version]}. Somebody changed a published file; ask who publishes it.",
                    code="library_changed",
                )

    def _swap(self, plugin_id: str, made: Path, old: Path) -> None:
        self._folder.mkdir(exist_ok=True)
        there = self._folder / plugin_id
        if there.exists():
            there.rename(old)
        try:
            made.rename(there)
        except OSError:
            if old.exists():
                old.rename(there)
            raise
