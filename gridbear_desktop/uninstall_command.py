"""`gridbear uninstall`: takes away what GridBear has left on this computer, after showing it; the data if wanted."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridbear_desktop import control, instance, runfile
from gridbear_desktop.autostart import LoginItem, login_item
from server.cli.options import DataDir, Force, Json, Yes, confirmed, refuse_existing
from server.config import Settings
from server.data_folder import DataFolder
from server.data_location import default_data_dir, followed, program_folder
from server.errors import GridBearError, StartupError, ValidationFailed
from server.this_computer import is_bundle

if TYPE_CHECKING:
    from server.cli.leftovers import Leftover

END_SECONDS = 15.0
POLL_SECONDS = 0.1
_QUIT_FIRST = "Choose Quit in its menu, in each of your sign-ins to this computer that has one, then do this again."


def uninstall_command(
    remove_data: Annotated[
        bool, typer.Option("--remove-data", help="Remove the data and their backups as well; they stay without it.")
    ] = False,
    last_backup: Annotated[
        Path | None, typer.Option("--last-backup", help="Write a last backup to this file first.")
    ] = None,
    force: Force = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what is there.")] = False,
    yes: Yes = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Remove what GridBear has left on this computer: service, start at login, keychain entry, entries of AI clients.

    The data stay, with a last backup among them, unless --remove-data. Of other programs' files only our own entry
    changes, and a dated copy is kept. Exit code 1 when something could not be removed.
    """
    folder = DataFolder(Settings.load({"data_dir": data_dir}).data_dir)
    refuse_existing(last_backup, force)
    if not (dry_run or yes or remove_data or as_json) and sys.stdin.isatty() and folder.path.is_dir():
        remove_data = typer.confirm(f"Remove the data in {folder.path} as well?", default=False)
    if last_backup is not None and remove_data and folder.path in last_backup.absolute().parents:
        raise ValidationFailed(f"{last_backup} would be removed with the data. Name a file elsewhere.")
    found = [*_that_start_it(folder), *_others(folder, remove_data)]
    server = _server(folder)
    told: dict[str, Any] = {
        "dry_run": dry_run,
        "server": None if server is None else {"pid": server.pid, "url": server.url},
        "tray": instance.is_any(folder.run),
        "data": {"path": str(folder.path), "kept": not remove_data and folder.path.is_dir()},
        "last_backup": None,
        "items": [{"kind": one.kind, "what": one.what, "path": one.path} for one in found],
        "program": _how_the_program_goes(),
    }
    if not as_json:
        _show(found, told, _of_the_backup(folder, last_backup, remove_data))
    if dry_run:
        _end(told, as_json)
        return
    confirmed("Remove all of this?" if found else "Go on?", yes)
    if instance.is_any(folder.run):
        raise StartupError(f"GridBear runs in the tray. {_QUIT_FIRST}")
    failed = _carried_out(folder, told, remove_data=remove_data, last_backup=last_backup, as_json=as_json)
    _end(told, as_json)
    if failed:
        raise typer.Exit(1)


def _carried_out(
    folder: DataFolder, told: dict[str, Any], *, remove_data: bool, last_backup: Path | None, as_json: bool
) -> bool:
    """Remove everything. Whether something could not be."""
    told["items"] = []

    def remove(found: Iterator[Leftover]) -> None:
        for one in found:
            item: dict[str, Any] = {"kind": one.kind, "what": one.what, "path": one.path}
            try:
                item |= {"removed": True, "note": one.remove()}
            except GridBearError as error:
                item |= {"removed": False, "note": error.message}
            told["items"].append(item)
            if not as_json:
                _show_done(item)

    remove(_that_start_it(folder))
    _end_server(folder)
    if folder.database.exists() and (last_backup is not None or not remove_data):
        told["last_backup"] = _backed_up(folder, last_backup, must=remove_data)
    remove(_others(folder, remove_data))
    return not all(item["removed"] for item in told["items"])


def _that_start_it(folder: DataFolder) -> Iterator[Leftover]:
    """What would start GridBear again."""
    from server.cli import leftovers  # the gateway's libraries; `--help` can do without

    yield from leftovers.service_unit(folder)
    item = login_item()
    command = item.command()
    if command is None and not Path(item.place).exists():
        return
    words = command or []
    named = words[words.index("--data-dir") + 1] if "--data-dir" in words[:-1] else default_data_dir()
    if followed(Path(named)) == folder.path:
        yield leftovers.Leftover("start at login", "the start at login", item.place, lambda: _forget(item))


def _forget(item: LoginItem) -> str:
    try:
        item.remove()
    except OSError as error:
        raise GridBearError(f"{item.place} can't be removed ({error.strerror or error}). Remove it by hand.") from error
    return ""


def _others(folder: DataFolder, remove_data: bool) -> Iterator[Leftover]:
    from server.cli import leftovers  # as above

    yield from leftovers.client_entries(folder)
    yield from leftovers.keychain_entry(folder, data_stay=not remove_data)
    yield from leftovers.former_folders(folder)
    if remove_data:
        yield from leftovers.data(folder)


def _server(folder: DataFolder) -> runfile.RunInfo | None:
    """The server of this data folder, if it runs."""
    info = runfile.read(folder.run)
    return info if info is not None and control.answers(info) else None


def _end_server(folder: DataFolder) -> None:
    info = _server(folder)
    if info is None:
        return
    try:
        os.kill(info.pid, signal.SIGTERM)
    except OSError as error:
        raise StartupError(f"The server (process {info.pid}) can't be ended ({error.strerror}).") from None
    deadline = time.monotonic() + END_SECONDS
    while folder.is_held():
        if time.monotonic() > deadline:
            raise StartupError(f"The server (process {info.pid}) does not end. End it, then do this again.")
        time.sleep(POLL_SECONDS)


def _backed_up(folder: DataFolder, target: Path | None, *, must: bool) -> str | None:
    """Make the last backup and say where it is. What stays can do without one that fails."""
    from server.cli.backup_commands import last_backup

    try:
        return str(last_backup(folder.path, target))
    except GridBearError as error:
        if must or target is not None:
            raise GridBearError(f"Nothing was removed: the last backup failed. {error.message}") from error
        typer.echo(f"There is no last backup: {error.message} The data stay as they are.", err=True)
        return None


def _how_the_program_goes() -> str:
    if not is_bundle():
        return f"The program itself is in {program_folder()}: remove that folder, or uninstall its package with pip."
    if sys.platform == "win32":
        return "The program itself: Settings, Apps, GridBear, Uninstall."
    if sys.platform == "darwin":
        return f"The program itself: move GridBear.app in {program_folder()} to the bin."
    if program_folder().is_relative_to("/usr") or program_folder().is_relative_to("/opt"):
        return "The program itself: `sudo apt remove gridbear-desktop`."
    return f"The program itself: remove the folder {program_folder()}."


def _of_the_backup(folder: DataFolder, target: Path | None, remove_data: bool) -> str:
    if not folder.database.exists() or (remove_data and target is None):
        return ""
    return f"a last backup is written to {target}" if target is not None else "a last backup is made among them"


def _show(found: list[Leftover], told: dict[str, Any], backup: str) -> None:
    typer.echo("GridBear has left on this computer:" if found else "GridBear has left nothing outside its data folder.")
    for one in found:
        typer.echo(f"  {one.kind}: {one.what}{f' ({one.path})' if one.path else ''}")
    if told["tray"]:
        typer.echo(f"GridBear runs in the tray, and nothing is removed while it does. {_QUIT_FIRST}")
    elif told["server"] is not None:
        typer.echo(f"Its server runs (process {told['server']['pid']}, {told['server']['url']}) and is ended first.")
    if told["data"]["kept"]:
        typer.echo(f"The data in {told['data']['path']} stay{f'; {backup}' if backup else ''}.")
    elif backup:
        typer.echo(f"{backup[:1].upper()}{backup[1:]} first.")


def _show_done(item: dict[str, Any]) -> None:
    note = item["note"]
    if not item["removed"]:
        typer.echo(f"gridbear: {note}", err=True)
    else:
        typer.echo(f"Removed {item['what']}." + (f" {note[:1].upper()}{note[1:]}." if note else ""))


def _end(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(told))
        return
    if told["last_backup"]:
        typer.echo(f"The last backup is {told['last_backup']}")
    typer.echo(told["program"])
