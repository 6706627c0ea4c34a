"""Imports of MCP servers where the data is: through the running server, or on the folder when none runs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from server.access.actor import OWNER
from server.app import create_app
from server.cli.options import disk_untold
from server.cli.running import running_server
from server.config import Settings
from server.data_folder import DataFolder
from server.mcp_gateway.importing.server_import import ServerImport, Wishes
from server.mcp_gateway.importing.shown import shown
from server.mcp_gateway.importing.sources import text_of

_LOOK_UP_SECONDS = 300.0


class ImportDoor:
    """One text or client's file, asked about twice: for the preview and for the import."""

    def __init__(self, data_dir: Path | None, given: dict[str, Any], wanted: dict[str, Any]) -> None:
        self._settings = Settings.load({"data_dir": data_dir})
        self._folder = DataFolder(self._settings.data_dir)
        self._given = given
        """`text` or `source`, as the REST route takes them."""
        self._wanted = wanted

    def ask(self, names: dict[str, str] | None, *, dry_run: bool) -> dict[str, Any]:
        """The answer of `POST /api/v1/gateway/import`."""
        server = running_server(self._folder)
        if server is not None:
            path = "/api/v1/gateway/import" + ("?dry_run=true" if dry_run else "")
            body = {**self._given, **self._wanted, "names": names}
            answer: dict[str, Any] = server.ask(path, json.dumps(body).encode(), timeout=_LOOK_UP_SECONDS)["data"]
            return answer
        self._folder.open()
        with self._folder.lock(), disk_untold():
            return asyncio.run(self._directly(names, dry_run))

    async def _directly(self, names: dict[str, str] | None, dry_run: bool) -> dict[str, Any]:
        source = self._given.get("source")
        text, origin = (self._given["text"], "") if source is None else text_of(source)
        wishes = Wishes(names, origin=origin, **self._wanted)
        app = create_app(self._settings)
        async with app.data():
            imports = ServerImport(app.records)
            drafts, made = (
                (await imports.preview(OWNER, text, wishes), {}) if dry_run else await imports.run(OWNER, text, wishes)
            )
            return shown(drafts, made).model_dump()
