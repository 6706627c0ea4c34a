"""Run an operation where the data is: in the running server, or on the folder when none runs."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from server.app import create_app
from server.config import Settings
from server.data_folder import DataFolder
from server.errors import Conflict, GridBearError, NotFound, StartupError

TIMEOUT_SECONDS = 30.0


def run_operation(name: str, parameters: dict[str, Any], data_dir: Path | None) -> dict[str, Any]:
    """The result of an operation of `server.auth.operations`. Raises its errors, StartupError when nothing answers."""
    settings = Settings.load({"data_dir": data_dir})
    folder = DataFolder(settings.data_dir)
    info = _run_info(folder)
    if info is not None:
        try:
            return _ask(info, name, parameters)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            # The file of a server that was killed; if it still lives after all, the lock below says so.
            pass
    if name == "setup-link":
        raise NotFound("GridBear is not running. Start it; it prints the link, and this command prints a fresh one.")
    folder.open()
    with folder.lock():
        return asyncio.run(_directly(settings, name, parameters))


def _run_info(folder: DataFolder) -> dict[str, Any] | None:
    try:
        info = json.loads((folder.run / "server.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return info if isinstance(info, dict) and {"url", "control_token"} <= info.keys() else None


def _ask(info: dict[str, Any], name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{info['url']}/_desktop/operations/{name}",
        data=json.dumps(parameters).encode(),
        headers={"Authorization": f"Bearer {info['control_token']}", "Content-Type": "application/json"},
    )
    # No proxy of the environment may see the control token.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
            data: dict[str, Any] = json.load(answer)["data"]
            return data
    except urllib.error.HTTPError as error:
        raise _error_of(error) from None


def _error_of(error: urllib.error.HTTPError) -> GridBearError:
    try:
        body = json.load(error)
        message, code = str(body["error"]), str(body["code"])
    except (ValueError, KeyError, TypeError):
        return StartupError(f"The running server answered {error.code}.")
    kind = Conflict if error.code == 409 else NotFound if error.code == 404 else GridBearError
    return kind(message, code=code)


async def _directly(settings: Settings, name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    app = create_app(settings)
    async with app.data():
        return await app.operations.run(name, parameters)
