"""`gridbear connect`: our entry in the configuration of an AI client."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from server.cli.options import DataDir, Json
from server.errors import NotFound, ValidationFailed
from server.mcp_gateway.clients.config_file import change_of, entry_of
from server.mcp_gateway.clients.known_clients import CLIENTS, KnownClient, config_path, is_running


def connect_command(
    client: Annotated[str | None, typer.Argument(help=f"One of {', '.join(CLIENTS)}.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="Show the clients and which of them know GridBear.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take our entry out again.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be changed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Write GridBear into the configuration of an AI client, after showing the change. All else in it is kept."""
    if list_:
        _list(as_json)
        return
    if client is None:
        raise ValidationFailed(f"Name a client: {', '.join(CLIENTS)}.")
    known = CLIENTS.get(client)
    if known is None:
        raise NotFound(f"There is no client {client!r}; known are {', '.join(CLIENTS)}.")
    change = change_of(known, _path(known), None if remove else _entry(known, data_dir))
    if change.is_needed and not as_json:
        typer.echo(change.diff())
    if change.is_needed and is_running(known):
        typer.echo(f"{known.label} is running: end it first, or it may write its own file over this one.", err=True)
    kept = None
    if change.is_needed and not dry_run:
        if not yes and not typer.confirm(f"Change {change.path}?"):
            raise typer.Abort
        kept = change.write()
    if as_json:
        told = {"client": client, "path": str(change.path), "changed": change.is_needed and not dry_run}
        typer.echo(json.dumps({**told, "diff": change.diff(), "copy": None if kept is None else str(kept)}))
    elif not change.is_needed:
        typer.echo(f"{known.label} needs no change.")
    elif not dry_run:
        typer.echo(f"Done{f'; {kept} is as it was before' if kept else ''}. Start {known.label} again.")


def _list(as_json: bool) -> None:
    found = []
    for known in CLIENTS.values():
        path = _path(known)
        try:
            connected, problem = entry_of(known, path) is not None, None
        except ValidationFailed as error:
            connected, problem = False, error.message
        found.append({"client": known.id, "label": known.label, "path": str(path), "exists": path.exists(),
                      "connected": connected, "problem": problem})  # fmt: skip
    if as_json:
        typer.echo(json.dumps(found))
        return
    for one in found:
        state = "connected" if one["connected"] else "not connected" if one["exists"] else "no configuration yet"
        typer.echo(f"{one['client']:<15} {one['problem'] or state}  {one['path']}")


def _path(client: KnownClient) -> Path:
    return config_path(client.id, sys.platform, os.environ, Path.home())


def _entry(client: KnownClient, data_dir: Path | None) -> dict[str, Any]:
    script = Path(sys.executable).parent / ("gridbear.exe" if sys.platform == "win32" else "gridbear")
    frozen = getattr(sys, "frozen", False)
    words = (
        [sys.executable] if frozen else [str(script)] if script.exists() else [sys.executable, "-m", "gridbear_desktop"]
    )
    chosen = data_dir or os.environ.get("GRIDBEAR_DATA_DIR")
    folder = ["--data-dir", str(Path(chosen).expanduser().absolute())] if chosen else []
    entry: dict[str, Any] = {"type": "stdio"} if client.typed else {}
    return {**entry, "command": words[0], "args": [*words[1:], "mcp", *folder]}
