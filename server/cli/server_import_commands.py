"""`gridbear import-servers`: the MCP servers that an AI client has already."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from server.cli.options import DataDir, Json, Yes, confirmed
from server.errors import ValidationFailed
from server.mcp_gateway.clients.known_clients import CLIENTS


def import_servers_command(
    from_: Annotated[
        str | None, typer.Argument(metavar="[CLIENT|FILE|-]", help=f"One of {', '.join(CLIENTS)}; a file; - for stdin.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="NAME, or NAME=other-name to rename it; more than once.")
    ] = None,
    value: Annotated[
        list[str] | None, typer.Option("--value", help="KEY=VALUE that a server needs, as the preview names it.")
    ] = None,
    look_up: Annotated[
        bool, typer.Option("--look-up", help="Ask npm and uv for exact versions that no cache tells.")
    ] = False,
    off: Annotated[bool, typer.Option("--off", help="Leave the new servers switched off.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what is there and would become of it.")] = False,
    yes: Yes = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Import MCP servers from an AI client's file; keys and passwords in it go into the vault. Nothing is started.

    Without a source it shows which clients of this computer have servers.
    """
    if from_ is None:
        _sources(as_json)
        return
    from server.cli.server_import_door import ImportDoor  # the whole server; `--help` can do without

    wanted = {"values": _pairs(value or [], "--value"), "look_up": look_up, "enabled": not off}
    door = ImportDoor(data_dir, _given(from_), wanted)
    preview = door.ask(None, dry_run=True)
    if only:
        chosen = _chosen(only, preview)
        preview = door.ask(chosen, dry_run=True)
        preview["servers"] = [one for one in preview["servers"] if one["key"] in chosen]
    else:
        chosen = {one["key"]: one["name"] for one in preview["servers"] if one["status"] == "ready"}
    if dry_run:
        typer.echo(json.dumps(preview) if as_json else _told(preview))
        return
    if not as_json:
        typer.echo(_told(preview))
        if chosen:
            confirmed(f"Import {len(chosen)}?", yes)
    if not chosen:
        typer.echo(json.dumps(preview) if as_json else "There is nothing to import.")
        return
    done = door.ask(chosen, dry_run=False)
    typer.echo(json.dumps(done) if as_json else _done(done))


def _given(from_: str) -> dict[str, Any]:
    if from_ == "-":
        return {"text": sys.stdin.read()}
    if from_ in CLIENTS:
        return {"source": from_}
    from server.mcp_gateway.importing.sources import read_file

    return {"text": read_file(Path(from_))}


def _sources(as_json: bool) -> None:
    from server.mcp_gateway.importing.sources import listed

    found = listed()
    if as_json:
        typer.echo(json.dumps([one.model_dump() for one in found]))
        return
    for one in found:
        state = one.problem or (
            f"{one.servers} server{'' if one.servers == 1 else 's'}" if one.exists else "no configuration"
        )
        typer.echo(f"{one.client:<15} {state}  {one.path}")


def _chosen(only: list[str], preview: dict[str, Any]) -> dict[str, str]:
    """The wanted servers by key, each with its new name or the proposed one. Raises ValidationFailed."""
    proposed = {one["key"]: one["name"] for one in preview["servers"]}
    chosen = {}
    for text in only:
        # A key may have a = in it; a name has none.
        key, name = (text, "") if text in proposed or "=" not in text else text.rsplit("=", 1)
        if key not in proposed:
            raise ValidationFailed(f"There is no server {key!r}; there are {', '.join(proposed)}.")
        chosen[key] = name or proposed[key]
    return chosen


def _pairs(texts: list[str], option: str) -> dict[str, str]:
    if not all("=" in text for text in texts):
        raise ValidationFailed(f"{option} wants KEY=VALUE.")
    return {key: value for key, _, value in (text.partition("=") for text in texts)}


def _told(preview: dict[str, Any]) -> str:
    lines = []
    for one in preview["servers"]:
        if one["status"] == "invalid":
            lines.append(f"  {one['key']}: can't be imported, {one['problem']}")
        elif one["status"] == "own":
            lines.append(f"  {one['key']}: is GridBear itself, left out")
        elif one["status"] == "there":
            lines.append(f"  {one['key']}: is there already, as {one['same_as']}")
        else:
            what = " ".join((one["command"], *one["args"])) if one["transport"] == "stdio" else one["url"]
            lines.append(f"+ {one['name']}: {what}" + (f"  (from {one['key']})" if one["renamed"] else ""))
        lines += [f"    into the vault: {_secret(secret)}" for secret in one["secrets"]]
        lines += ["    not pinned: each start may fetch another version"] if one["unpinned"] else []
        lines += [f"    {note}" for note in one["notes"]]
    return "\n".join(lines)


def _secret(secret: dict[str, Any]) -> str:
    return f"{secret['variable']} as {secret['name']}" + ("" if secret["has_value"] else ", set it under Secrets")


def _done(done: dict[str, Any]) -> str:
    missing = [secret["name"] for one in done["servers"] if one["id"] for secret in one["secrets"]
               if not secret["has_value"]]  # fmt: skip
    told = f"{done['imported']} MCP {'server was' if done['imported'] == 1 else 'servers were'} imported."
    return told + (f" Set these under Secrets: {', '.join(missing)}." if missing else "")
