"""`gridbear plugin check`: start a plugin in an empty GridBear of its own, in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from server.errors import GridBearError
from server.plugin_host.consent import asked
from server.plugin_host.package import Staged, stage
from server.plugin_host.source_look import misuses
from server.this_computer import program

SECONDS = 60.0
INSIDE = "check-inside"


def check(source: Path, seconds: float = SECONDS) -> dict[str, Any]:
    """What is wrong with the plugin at `source`, a folder or a zip.

    `error` is None for a good one; `traceback` says where its own code raised; `misuses` are the places in its code
    that use what is not for plugins, not there or not permitted. Raises NotFound when nothing is there.
    """
    with tempfile.TemporaryDirectory(prefix="gridbear-check-") as place:
        told: dict[str, Any] = {"name": source.name, "error": None, "traceback": None, "warnings": [], "misuses": []}
        try:
            staged = stage(source, Path(place) / "looked-at")
        except GridBearError as error:
            return {**told, "error": error.message}
        manifest = staged.checked.manifest
        told |= {
            "name": staged.id,
            "version": manifest.version,
            "warnings": list(staged.checked.warnings),
            "permissions": asked(staged.id, manifest),
            "content_hash": staged.content_hash,
            "misuses": (found := misuses(staged.folder, manifest.permissions)),
        }
        told |= _started(staged, source, Path(place), seconds)
        if found and told["error"] is None:
            places = "one place" if len(found) == 1 else f"{len(found)} places"
            told["error"] = f"{staged.id} uses what is not for plugins, not there or not permitted, in {places}."
        return told


def _started(staged: Staged, source: Path, place: Path, seconds: float) -> dict[str, Any]:
    # What it depends on is looked for beside it.
    words = [*program(), "plugin", INSIDE, str(staged.folder), str(source.resolve().parent), str(place / "data")]
    env = {name: value for name, value in os.environ.items() if not name.startswith("GRIDBEAR_")}
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, env=env, check=False
        )
    except subprocess.TimeoutExpired:
        return {"error": f"{staged.id}: it did not come to its end within {seconds:g} s"}
    try:
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        text = done.stderr.decode("utf-8", "replace").strip()
        return {
            "error": f"{staged.id}: it ended the process that ran it (exit code {done.returncode})",
            "traceback": text,
        }
    return found


def check_inside(folder: Path, beside: Path, data: Path) -> dict[str, Any]:
    """In the process of its own: the error and traceback of the plugin, and what it brings."""
    return asyncio.run(_check_inside(folder, beside, data))


async def _check_inside(folder: Path, beside: Path, data: Path) -> dict[str, Any]:
    from server.access.actor import OWNER
    from server.app import create_app
    from server.config import Settings
    from server.data_folder import DataFolder
    from server.plugin_host.installing import Installer

    DataFolder(data).open()
    app = create_app(Settings(data_dir=data, key_store="file"))
    async with app.running():

        async def start(source: Path, installer: Installer) -> dict[str, Any]:
            told = await installer.install(OWNER, source)
            manifest = told["manifest"]
            for name in manifest["dependencies"]["required"]:
                if (beside / name).is_dir() and app.plugins.row_now(name) is None:
                    await start(beside / name, installer)
            if manifest["requirements"]:
                await installer.install_libraries(OWNER, told["name"])
            return await app.plugins.enable(OWNER, told["name"], manifest["permissions"])

        try:
            row = await start(folder, app.plugin_installer)
        except GridBearError as error:
            return {"error": error.message}
        return {name: row[name] for name in ("error", "traceback", "models")}
