"""`gridbear connect`: our entry in the configuration of an AI client."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from server.cli.options import DataDir, Json, Yes, confirmed, show
from server.data_location import default_data_dir
from server.data_place import placed
from server.errors import ValidationFailed
from server.mcp_gateway.clients.bundle import bundle
from server.mcp_gateway.clients.by_address import address_of, entry_by_address
from server.mcp_gateway.clients.config_file import TOKEN_PLACE
from server.mcp_gateway.clients.connections import Connections, known_client
from server.mcp_gateway.clients.known_clients import CLIENTS, KnownClient


def connect_command(
    client: Annotated[str | None, typer.Argument(help=f"One of {', '.join(CLIENTS)}.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="Show the clients and which of them know GridBear.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take our entry out again.")] = False,
    by_url: Annotated[
        bool, typer.Option("--by-url", help="Write GridBear's address, not the command of the bridge.")
    ] = False,
    token: Annotated[
        bool, typer.Option("--token", help="With --by-url: make a token for it, also where the client signs in itself.")
    ] = False,
    user: Annotated[
        str | None, typer.Option("--user", help="Whose token it is; the first admin's unless told.")
    ] = None,
    bundle_file: Annotated[
        Path | None, typer.Option("--bundle", help="Write a .mcpb for claude-desktop here, and change nothing.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be changed.")] = False,
    yes: Yes = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Write GridBear into the configuration of an AI client, after showing the change. All else in it is kept."""
    connections = _connections(data_dir)
    if list_:
        _list(connections, as_json)
        return
    if client is None:
        raise ValidationFailed(f"Name a client: {', '.join(CLIENTS)}.")
    known = known_client(client)
    if bundle_file is not None:
        _write_bundle(known, bundle_file, connections.data_dir, as_json)
        return
    if (by_url and remove) or ((token or user) and not by_url):
        raise ValidationFailed("--token and --user go with --by-url, and --by-url not with --remove.")
    with_token = by_url and (token or not known.signs_in)
    entry = (
        entry_by_address(known, address_of(connections.data_dir), TOKEN_PLACE if with_token else None)
        if by_url
        else None
    )
    plan = connections.apply(client, remove=remove, dry_run=True, entry=entry)
    needed = bool(plan["diff"])
    if needed and not as_json:
        typer.echo(plan["diff"])
    if needed and plan["running"]:
        typer.echo(f"{known.label} is running: end it first, or it may write its own file over this one.", err=True)
    if needed and not dry_run:
        confirmed(f"Change {plan['path']}?", yes)
    done = plan if dry_run else _applied(known, connections, remove, entry, user, with_token=with_token)
    if as_json:
        typer.echo(json.dumps(done))
    elif not needed:
        typer.echo(f"{known.label} needs no change.")
    elif not dry_run:
        kept = f"; {done['copy']} is as it was before" if done["copy"] else ""
        typer.echo(f"Done{kept}. Start {known.label} again.")


def _applied(
    known: KnownClient,
    connections: Connections,
    remove: bool,
    entry: dict[str, Any] | None,
    user: str | None,
    *,
    with_token: bool,
) -> dict[str, Any]:
    """Write the entry. The token of an entry lives as long as the entry does."""
    from server.cli.client_tokens import end_token, make_token  # the whole server; `--help` can do without

    former, token_id = connections.token_of(known.id), None
    if with_token:
        token_id, token = make_token(connections.data_dir, known.label, user)
        entry = entry_by_address(known, address_of(connections.data_dir), token)
    try:
        done = connections.apply(known.id, remove=remove, entry=entry, token_id=token_id)
    except BaseException:
        if token_id is not None:
            end_token(connections.data_dir, token_id)
        raise
    if former is not None and not end_token(connections.data_dir, former):
        typer.echo(f"The token of its former entry (number {former}) still works: delete it under Tokens.", err=True)
    if token_id is not None and os.name == "posix" and Path(done["path"]).stat().st_mode & 0o044:
        typer.echo(f"Others on this computer may read the token in {done['path']}: chmod 600 it.", err=True)
    return done


def _write_bundle(known: KnownClient, path: Path, data_dir: Path, as_json: bool) -> None:
    if known.id != "claude-desktop":
        raise ValidationFailed("Only Claude Desktop takes a .mcpb.")
    try:
        path.write_bytes(bundle(data_dir))
    except OSError as error:
        raise ValidationFailed(f"{path} can't be written ({error.strerror or error}).") from None
    show({"client": known.id, "path": str(path)}, as_json, f"{path} is written: open it with {known.label}.")


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
    return Connections(placed(Path(chosen)))
