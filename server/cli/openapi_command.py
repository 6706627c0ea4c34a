"""`gridbear openapi`: the description of the API, as the running server gives it, or of the stopped folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from server.cli.options import DataDir, Force, refuse_existing, write_text

ADDRESS = "/api/openapi.json"


def openapi_command(
    file: Annotated[Path | None, typer.Argument(help="Where to write; without it to the standard output.")] = None,
    force: Force = False,
    data_dir: DataDir = None,
) -> None:
    """Write the OpenAPI document: every endpoint and model. With a stopped server, without what plugins add."""
    refuse_existing(file, force)
    text = json.dumps(_document(data_dir), indent=2, ensure_ascii=False)
    if file is None:
        typer.echo(text)
        return
    write_text(file, f"{text}\n")
    typer.echo(f"The description of the API is in {file}.")


def _document(data_dir: Path | None) -> dict[str, Any]:
    from server.cli.running import running_server  # the whole server; `--help` can do without
    from server.config import Settings
    from server.data_folder import DataFolder

    settings = Settings.load({"data_dir": data_dir})
    folder = DataFolder(settings.data_dir)
    server = running_server(folder)
    if server is not None:
        return server.ask(ADDRESS)
    folder.want_data()
    folder.open()
    with folder.lock():
        return _stopped(settings)


def _stopped(settings: Any) -> dict[str, Any]:
    import asyncio
    import secrets

    from server.app import create_app

    token = secrets.token_urlsafe(32)
    # Safe mode: nothing that a plugin or a schedule does may happen because somebody wants a document.
    app = create_app(settings.model_copy(update={"safe_mode": True}), control_token=token)

    async def asked() -> dict[str, Any]:
        async with app.running():
            return await _get(app, ADDRESS, token, settings.port)

    return asyncio.run(asked())


async def _get(app: Any, path: str, token: str, port: int) -> dict[str, Any]:
    """The JSON answer of an ASGI app to the owner's GET."""
    headers = [(b"host", f"127.0.0.1:{port}".encode()), (b"authorization", f"Bearer {token}".encode())]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", port),
    }
    body = bytearray()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        body.extend(message.get("body", b""))

    await app(scope, receive, send)
    found: dict[str, Any] = json.loads(body)
    return found
