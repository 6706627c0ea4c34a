"""Run an operation where the data is: in the running server, or on the folder when none runs."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from server import listening
from server.app import create_app
from server.cli.options import disk_untold
from server.cli.running import running_server
from server.config import Settings, source_of
from server.data_folder import DataFolder
from server.errors import NotFound

_SETS_UP = {"user-create", "lan-on", "lan-off", "secrets-phrase"}
"""What may come before the first start. All else must not make a folder where somebody mistyped its name."""


def run_operation(name: str, parameters: dict[str, Any], data_dir: Path | None) -> dict[str, Any]:
    """The result of an operation of `server.auth.operations`.

    Raises its errors, NotFound where there is no data folder, StartupError when nothing answers.
    """
    folder = DataFolder(Settings.load({"data_dir": data_dir}).data_dir)
    server = running_server(folder)
    if server is not None:
        data: dict[str, Any] = server.ask(f"/_desktop/operations/{name}", json.dumps(parameters).encode())["data"]
        return data
    if name == "setup-link":
        raise NotFound("GridBear is not running. Start it; it prints the link, and this command prints a fresh one.")
    if name not in _SETS_UP:
        folder.want_data()
    folder.open()
    with folder.lock(), disk_untold():
        return asyncio.run(_directly(folder, name, parameters))


async def _directly(folder: DataFolder, name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    settings = Settings.load({"data_dir": folder.path}, stored=listening.chosen(folder.run))
    given = "environment" if source_of("host", {}, os.environ, {}) == "environment" else ""
    app = create_app(settings, host_given_by=given)
    async with app.data():
        return await app.operations.run(name, parameters)
