"""`gridbear connect`: our entry in the configuration of an AI client."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from server.cli.options import DataDir, Json
from server.errors import ValidationFailed
from server.mcp_gateway.clients.connections import Connections, known_client
from server.mcp_gateway.clients.known_clients import CLIENTS
from server.this_computer import default_data_dir


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
        _list(_connections(data_dir), as_json)
        return
    if client is None:
        raise ValidationFailed(f"Name a client: {', '.join(CLIENTS)}.")
    known = known_client(client)
    connections = _connections(data_dir)
    plan = connections.apply(client, remove=remove, dry_run=True)
    needed = bool(plan["diff"])
    if needed and not as_json:
        typer.echo(plan["diff"])
    if needed and plan["running"]:
        typer.echo(f"{known.label} is running: end it first, or it may write its own file over this one.", err=True)
    if needed and not dry_run and not yes and not typer.confirm(f"Change {plan['path']}?"):
        raise typer.Abort
    done = plan if dry_run else connections.apply(client, remove=remove)
    if as_json:
        typer.echo(json.dumps(done))
    elif not needed:
        typer.echo(f"{known.label} needs no change.")
    elif not dry_run:
        kept = f"; {done['copy']} is as it was before" if done["copy"] else ""
        typer.echo(f"Done{kept}. Start {known.label} again.")


def _list(connections: Connections, as_json: bool) -> None:
    found = connections.listed()
    if as_json:
        typer.echo(json.dumps(found))
        return
    for one in found:
        state = "connected" if one["connected"] else "not connected" if one["exists"] else "no configuration yet"
        state = "has lost its entry: connect it again" if one["lost"] else state
        typer.echo(f"{one['client']:<15} {one['problem'] or state}  {one['path']}")


def _connections(data_dir: Path | None) -> Connections:
    chosen = data_dir or os.environ.get("GRIDBEAR_DATA_DIR") or default_data_dir()
    return Connections(Path(chosen).expanduser().absolute())
