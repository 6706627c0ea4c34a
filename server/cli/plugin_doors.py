"""Plugins where the data is: through the running server's API, or on the folder when none runs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from server.access.actor import OWNER
from server.app import GridBearApp
from server.cli.running import RunningServer
from server.cli.server_or_folder import server_or_folder
from server.errors import NotFound
from server.plugin_host.package import stage, write_zip

PLUGINS = "/api/v1/plugins"
LONG_SECONDS = 600.0


class PluginDoor(Protocol):
    """What the commands need. The caller is the machine's owner."""

    def rows(self) -> list[dict[str, Any]]:
        """The records of all plugins, by name."""
        ...

    def manifest(self, name: str) -> dict[str, Any]:
        """What a plugin says of itself, and the permissions that it asks for."""
        ...

    def install(self, source: Path, *, dry_run: bool, replace: bool, expected: str | None) -> dict[str, Any]: ...

    def uninstall(self, name: str, *, drop_data: bool) -> dict[str, Any]: ...

    def enable(self, name: str, permissions: list[str]) -> dict[str, Any]: ...

    def disable(self, name: str) -> dict[str, Any]: ...

    def reload(self, name: str) -> dict[str, Any]: ...

    def libraries(self, name: str, *, dry_run: bool) -> dict[str, Any]: ...


@contextlib.contextmanager
def plugin_door(data_dir: Path | None) -> Iterator[PluginDoor]:
    """The door to a data folder. Raises NotFound, StartupError."""
    with server_or_folder(data_dir) as place:
        yield _ServerDoor(place) if isinstance(place, RunningServer) else _FolderDoor(place.app, place.runner)


class _ServerDoor:
    def __init__(self, server: RunningServer) -> None:
        self._server = server

    def rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._server.ask(f"{PLUGINS}?sort=name&limit=500")["data"]
        return rows

    def manifest(self, name: str) -> dict[str, Any]:
        return self._data(f"{PLUGINS}/{quote(name, safe='')}/manifest")

    def install(self, source: Path, *, dry_run: bool, replace: bool, expected: str | None) -> dict[str, Any]:
        asked = {"dry_run": str(dry_run).lower(), "replace": str(replace).lower()}
        if expected is not None:
            asked["content_hash"] = expected
        with tempfile.TemporaryDirectory(prefix="gridbear-plugin-") as place:
            # Looked at here as well: what is refused need not travel.
            staged = stage(source, Path(place))
            packed = Path(place) / "packed.zip"
            write_zip(staged.folder, packed)
            body, kind = _form(f"{staged.id}.zip", packed.read_bytes())
        answer = self._server.ask(
            f"{PLUGINS}/install?{urlencode(asked)}", body, {"Content-Type": kind}, timeout=LONG_SECONDS
        )
        found: dict[str, Any] = answer["data"]
        return {**found, "commit": staged.commit}

    def uninstall(self, name: str, *, drop_data: bool) -> dict[str, Any]:
        return self._post(name, "uninstall", {"drop_data": drop_data})

    def enable(self, name: str, permissions: list[str]) -> dict[str, Any]:
        return self._post(name, "enable", {"permissions": permissions})

    def disable(self, name: str) -> dict[str, Any]:
        return self._post(name, "disable", {})

    def reload(self, name: str) -> dict[str, Any]:
        return self._post(name, "reload", {})

    def libraries(self, name: str, *, dry_run: bool) -> dict[str, Any]:
        return self._post(name, "libraries", {"dry_run": dry_run})

    def _post(self, name: str, deed: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._data(f"{PLUGINS}/{quote(name, safe='')}/{deed}", json.dumps(body).encode())

    def _data(self, path: str, body: bytes | None = None) -> dict[str, Any]:
        found: dict[str, Any] = self._server.ask(path, body, timeout=LONG_SECONDS)["data"]
        return found


class _FolderDoor:
    def __init__(self, app: GridBearApp, runner: asyncio.Runner) -> None:
        self._app = app
        self._run = runner.run

    def rows(self) -> list[dict[str, Any]]:
        self._run(self._app.plugins.rescan())
        return self._run(self._app.records.find(OWNER, "plugins", sort="name"))

    def manifest(self, name: str) -> dict[str, Any]:
        self._run(self._app.plugins.rescan())
        return self._run(self._app.plugins.told_of(name))

    def install(self, source: Path, *, dry_run: bool, replace: bool, expected: str | None) -> dict[str, Any]:
        return self._run(
            self._app.plugin_installer.install(OWNER, source, dry_run=dry_run, replace=replace, expected=expected)
        )

    def uninstall(self, name: str, *, drop_data: bool) -> dict[str, Any]:
        return self._run(self._app.plugin_installer.uninstall(OWNER, name, drop_data=drop_data))

    def enable(self, name: str, permissions: list[str]) -> dict[str, Any]:
        return self._run(self._app.plugins.enable(OWNER, name, permissions))

    def disable(self, name: str) -> dict[str, Any]:
        return self._run(self._app.plugins.disable(OWNER, name))

    def reload(self, name: str) -> dict[str, Any]:
        raise NotFound("GridBear is not running; it takes the files as they are when it starts.")

    def libraries(self, name: str, *, dry_run: bool) -> dict[str, Any]:
        return self._run(self._app.plugin_installer.install_libraries(OWNER, name, dry_run=dry_run))


def _form(name: str, data: bytes) -> tuple[bytes, str]:
    boundary = secrets.token_hex(16)
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: application/zip\r\n\r\n"
    )
    return head.encode() + data + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"
