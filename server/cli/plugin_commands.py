"""`gridbear plugin`: make, check, share, install and switch plugins."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from server.cli.options import DataDir, Json, exists_already, show
from server.errors import Conflict, GridBearError

plugin = typer.Typer(help="Make, check, share, install and switch plugins.")

Name = Annotated[str, typer.Argument(help="The plugin's folder name.")]
Yes = Annotated[bool, typer.Option("--yes", help="Say yes to what it asks for.")]
Source = Annotated[Path, typer.Argument(help="A folder, a git folder on disk, or a zip.")]


@plugin.command("list")
def list_command(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Show all plugins and what became of each."""
    from server.cli.plugin_doors import plugin_door  # the whole server; `--help` can do without

    with plugin_door(data_dir) as door:
        rows = door.rows()
    if as_json:
        typer.echo(json.dumps(rows))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("Plugin", "Version", "State", "Permissions", "Error", box=None, pad_edge=False)
    for row in rows:
        asked = ", ".join(row["permissions"])
        table.add_row(row["name"], row["version"] or "", row["state"], asked, row["error"] or "")
    Console().print(table)


@plugin.command("new")
def new_command(
    name: Name,
    place: Annotated[Path, typer.Option("--in", help="Where the folder goes.")] = Path(),
    as_json: Json = False,
) -> None:
    """Write a plugin that works as it is: model, route, tools, hooks, task. Exit code 3 when the folder exists."""
    from server.plugin_host.template import new_plugin

    try:
        folder = new_plugin(name, place)
    except Conflict as error:
        raise exists_already(error) from None
    if as_json:
        typer.echo(json.dumps({"folder": str(folder)}))
        return
    typer.echo(f"Made {folder}. Next: gridbear plugin check {folder}")


@plugin.command("check")
def check_command(
    path: Source,
    seconds: Annotated[float, typer.Option("--seconds", help="How long it may take.", min=1)] = 60.0,
    as_json: Json = False,
) -> None:
    """Start a plugin in an empty GridBear of its own and tell what is wrong. Exit code 1 when something is."""
    from server.cli.plugin_check import check

    told = check(path, seconds)
    if as_json:
        typer.echo(json.dumps(told))
    else:
        for warning in told["warnings"]:
            typer.echo(f"Warning: {warning}", err=True)
        for place in told["misuses"]:
            typer.echo(place, err=True)
        if told["error"] is None:
            brings = f" It brings {', '.join(told['models'])}." if told["models"] else ""
            typer.echo(f"{told['name']} {told['version']} is good.{brings}")
            _show_permissions(told["permissions"])
        else:
            if told["traceback"]:
                typer.echo(told["traceback"].rstrip(), err=True)
            typer.echo(f"gridbear: {told['error']}", err=True)
    if told["error"] is not None:
        raise typer.Exit(1)


@plugin.command("check-inside", hidden=True)
def check_inside_command(folder: Path, beside: Path, data: Path) -> None:
    """What `check` runs in a process of its own."""
    from server.cli.plugin_check import check_inside

    typer.echo(json.dumps(check_inside(folder, beside, data)))


@plugin.command("work-inside", hidden=True)
def work_inside_command() -> None:
    """A worker process of the server: it does tasks of a plugin."""
    from server.plugin_host.workers.inside import work_inside

    work_inside()


@plugin.command("types")
def types_command(
    path: Annotated[Path, typer.Argument(help="The plugin's folder.")] = Path(),
    as_json: Json = False,
) -> None:
    """Write the shapes of sdk.js into a plugin's folder: editors complete and check its pages then."""
    from server.plugin_host.page_types import write_page_types

    try:
        written = [str(file) for file in write_page_types(path.resolve())]
    except OSError as error:
        raise GridBearError(f"{path} can't be written to ({error.strerror or error}).") from error
    show({"files": written}, as_json, *(f"Wrote {file}." for file in written))


@plugin.command("pack")
def pack_command(
    path: Annotated[Path, typer.Argument(help="The plugin's folder.")],
    to: Annotated[Path | None, typer.Option("--to", help="The zip; NAME-VERSION.zip unless told.")] = None,
    as_json: Json = False,
) -> None:
    """Pack a plugin into a zip to share. The same files give the same zip. Exit code 3 when it exists."""
    from server.plugin_host.manifest import read_manifest
    from server.plugin_host.package import pack

    folder = path.resolve()
    target = to or Path(f"{folder.name}-{read_manifest(folder).manifest.version}.zip")
    if target.exists():
        raise exists_already(Conflict(f"There is a {target} already."))
    digest = pack(folder, target)
    if as_json:
        typer.echo(json.dumps({"file": str(target), "content_hash": digest}))
        return
    typer.echo(f"Packed {target}. Its hash, for those who install it: {digest}")


@plugin.command("install")
def install_command(
    path: Source,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what it is and asks for.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Take the place of one that is there.")] = False,
    expected: Annotated[str | None, typer.Option("--hash", help="Refuse files of another hash.")] = None,
    yes: Yes = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Install a plugin after showing what it is and asks for. It stays off until `gridbear plugin enable`.

    Exit code 3 when there is one of this name (see --replace); a copy of a replaced folder is kept.
    """
    from server.cli.plugin_doors import plugin_door  # as above

    with plugin_door(data_dir) as door:
        told = door.install(path, dry_run=True, replace=replace, expected=expected)
        if not as_json:
            _show(told)
        if not dry_run:
            if not yes and not as_json:
                _ask(f"Install {told['name']}?")
            try:
                told = door.install(path, dry_run=False, replace=replace, expected=told["content_hash"])
            except Conflict as error:
                if error.code != "plugin_exists":
                    raise
                raise exists_already(error) from None
    if as_json:
        typer.echo(json.dumps(told))
    elif not dry_run:
        _tell_state(told["plugin"], f"Installed. {_next(told)}")


@plugin.command("uninstall")
def uninstall_command(
    name: Name,
    drop_data: Annotated[bool, typer.Option("--drop-data", help="Its records and secrets go, too.")] = False,
    yes: Yes = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Remove a plugin; a copy of its folder is kept. Its records stay, unless --drop-data; then a copy is kept."""
    from server.cli.plugin_doors import plugin_door  # as above

    if not yes and not as_json:
        _ask(f"Remove {name}{' with all its records and secrets' if drop_data else '; its records stay'}?")
    with plugin_door(data_dir) as door:
        told = door.uninstall(name, drop_data=drop_data)
    if as_json:
        typer.echo(json.dumps(told))
        return
    kept = f" A copy of the folder: {told['copy']}" if told["copy"] else ""
    dropped = f" Dropped: {', '.join(told['dropped'])}." if told["dropped"] else ""
    typer.echo(f"Removed {name}.{dropped}{kept}")


@plugin.command("enable")
def enable_command(name: Name, yes: Yes = False, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Switch a plugin on, after showing what it asks for. Exit code 1 when it fails to start."""
    from server.cli.plugin_doors import plugin_door  # as above

    with plugin_door(data_dir) as door:
        told = door.manifest(name)
        asked = [it["name"] for it in told["permissions"]]
        if asked and not yes:
            if not as_json:
                _show_permissions(told["permissions"])
            _ask(f"Switch {name} on?")
        row = door.enable(name, asked)
    _switched(row, f"{name} is on.", as_json)


@plugin.command("disable")
def disable_command(name: Name, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Switch a plugin off; its records stay."""
    from server.cli.plugin_doors import plugin_door  # as above

    with plugin_door(data_dir) as door:
        row = door.disable(name)
    typer.echo(json.dumps(row) if as_json else f"{name} is off; its records stay.")


@plugin.command("reload")
def reload_command(name: Name, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Start a plugin again from its files as they are now. Exit code 1 when it fails to start."""
    from server.cli.plugin_doors import plugin_door  # as above

    with plugin_door(data_dir) as door:
        row = door.reload(name)
    _switched(row, f"{name} runs from its files as they are now.", as_json)


@plugin.command("libraries")
def libraries_command(
    name: Name,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show which are needed.")] = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Install the libraries that a plugin asks for, as wheels of known hashes; nothing of GridBear's is replaced."""
    from server.cli.plugin_doors import plugin_door  # as above

    with plugin_door(data_dir) as door:
        told = door.libraries(name, dry_run=dry_run)
    if as_json:
        typer.echo(json.dumps(told))
        return
    for one in told["libraries"]:
        typer.echo(f"{one['name']} {one['version']}  sha256:{one['sha256']}")
    if not told["libraries"]:
        typer.echo(f"{name} needs nothing that GridBear has not.")
    if told["restart"]:
        typer.echo("Older files of them are in memory: restart GridBear.", err=True)
    if told["plugin"] is not None:
        off = told["plugin"]["state"] != "on"
        _tell_state(told["plugin"], f"Next: gridbear plugin enable {name}" if off else f"{name} is on.")


@plugin.command("pip-inside", hidden=True, context_settings={"ignore_unknown_options": True, "help_option_names": []})
def pip_inside_command(arguments: Annotated[list[str], typer.Argument()]) -> None:
    """pip, where the program is a bundle and has no Python to run it with."""
    from pip._internal.cli.main import main

    raise typer.Exit(main(arguments))


def _next(told: dict[str, Any]) -> str:
    name = told["name"]
    if told["plugin"]["state"] == "on":
        return f"{name} runs from these files."
    first = f"gridbear plugin libraries {name}, then " if told["manifest"]["requirements"] else ""
    return f"Next: {first}gridbear plugin enable {name}"


def _switched(row: dict[str, Any], good: str, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(row))
    else:
        _tell_state(row, good)
    if row["state"] == "failed":
        raise typer.Exit(1)


def _tell_state(row: dict[str, Any], good: str) -> None:
    if row["state"] != "failed":
        typer.echo(good)
        return
    if row["traceback"]:
        typer.echo(row["traceback"].rstrip(), err=True)
    typer.echo(f"gridbear: {row['name']} stays out: {row['error']}", err=True)


def _show(told: dict[str, Any]) -> None:
    manifest = told["manifest"]
    title = manifest["display_name"] or manifest["name"]
    typer.echo(f"{title} ({told['name']} {manifest['version']}): {manifest['description'] or 'no description'}")
    author = f", by {manifest['author']}" if manifest["author"] else ""
    commit = f", git commit {told['commit']}" if told["commit"] else ""
    typer.echo(f"{told['files']} files, {told['bytes']} bytes{author}{commit}\nHash: {told['content_hash']}")
    if told["installed"]:
        same = " with the same files" if told["installed"]["content_hash"] == told["content_hash"] else ""
        typer.echo(f"There is version {told['installed']['version']} already{same}.")
    for warning in told["warnings"]:
        typer.echo(f"Warning: {warning}")
    if manifest["public_api"]:
        typer.echo(f"Everybody who reaches the server may call /api/{told['name']}/, without signing in.")
    _show_permissions(told["permissions"])


def _show_permissions(permissions: list[dict[str, Any]]) -> None:
    for it in permissions:
        typer.echo(f"It asks for {it['name']}: {it['meaning']}")
        for detail in it["details"]:
            typer.echo(f"  {detail}")
    typer.echo("A plugin is code that runs with all rights of the server. Only switch on what you trust.")


def _ask(question: str) -> None:
    if not sys.stdin.isatty():
        raise Conflict("Nothing was changed. Answer yes at the terminal, or use --yes.")
    typer.confirm(question, abort=True)
