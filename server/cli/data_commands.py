"""`gridbear data`: where the data lie, and moving them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.cli.options import DataDir, Json, Yes, confirmed, show
from server.errors import GridBearError

if TYPE_CHECKING:
    from server.cli.running import RunningServer
    from server.data_folder import DataFolder

data = typer.Typer(help="Where the data lie, and moving them to another folder.")

ADDRESS = "/api/v1/server/data-folder"
POLL_SECONDS = 0.2
COMING_BACK_SECONDS = 60.0


@data.command("show")
def data_show(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Show where the data lie, how much they are and how much is free there. Changes nothing."""
    from server.data_move import place_facts

    told = place_facts(_folder(data_dir).path)
    lines = [f"{told['path']}: {_mega(told['bytes'])}, {_mega(told['free_bytes'])} free on its disk."]
    lines += [f"Before they lay in {place}; a note there leads on." for place in told["former"]]
    if told["portable"]:
        lines.append("It lies beside the program, and goes where that goes.")
    show(told, as_json, *lines)


@data.command("move")
def data_move(
    to: Annotated[Path, typer.Argument(help="The new folder: empty, or not there yet.", metavar="NEW")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would happen.")] = False,
    yes: Yes = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Move the data to another folder of this computer: copy, compare, switch. A running server moves by itself.

    Whatever happens on the way, the data stay in use where they are until all is copied. The old files are removed
    by the first good start after the move. What names the old folder is led on to the new one.
    """
    from server.cli.running import running_server
    from server.data_move import whole_path

    folder, target = _folder(data_dir), whole_path(to)
    server = running_server(folder)
    plan = _asked(server, target, dry_run=True) if server is not None else _planned(folder, target)
    if not as_json:
        typer.echo(f"{plan['from']} moves to {target}: {plan['files']:,} files, {_mega(plan['bytes'])}.")
    for warning in plan["warnings"]:
        typer.echo(f"Warning: {warning}", err=True)
    if dry_run:
        if as_json:
            typer.echo(json.dumps({**plan, "moved": False}))
        return
    confirmed(f"Move the data to {target}?", yes)
    if server is not None:
        _asked(server, target, dry_run=False)
        _wait(folder, target)
    else:
        _moved(folder, target, plan["bytes"])
    show(
        {**plan, "moved": True},
        as_json,
        f"The data are in {target} now. {folder.path} leads there; its files go with the next good start.",
    )


def _planned(folder: DataFolder, target: Path) -> dict[str, Any]:
    from server.data_move import plan_move

    return plan_move(folder.path, target).shown()


def _moved(folder: DataFolder, target: Path, size: int) -> None:
    from server.cli.progress import progress_bar
    from server.data_move import move, plan_move

    folder.open()
    with folder.lock(), progress_bar("Copying", size, unit="bytes") as told:
        move(plan_move(folder.path, target), told)


def _asked(server: RunningServer, target: Path, *, dry_run: bool) -> dict[str, Any]:
    wanted = {"to": str(target), "dry_run": dry_run}
    found: dict[str, Any] = server.ask(f"{ADDRESS}/move", json.dumps(wanted).encode(), timeout=None)["data"]
    found.pop("moving")
    return found


def _wait(folder: DataFolder, target: Path) -> None:
    """Until the server answers from the new place. Raises GridBearError when it stayed, or does not come back."""
    from server.cli.running import running_server
    from server.data_folder import DataFolder
    from server.data_move import asked_for, last_problem

    free_since: float | None = None
    while running_server(DataFolder(target)) is None:
        if not asked_for(folder) and (problem := last_problem(folder)) is not None:
            raise GridBearError(problem["problem"])
        free_since = None if folder.is_held() else free_since or time.monotonic()
        if free_since is not None and time.monotonic() - free_since > COMING_BACK_SECONDS:
            raise GridBearError("The server did not come back. Start it again; its log says what happened.")
        time.sleep(POLL_SECONDS)


def _folder(data_dir: Path | None) -> DataFolder:
    from server.config import Settings
    from server.data_folder import DataFolder

    folder = DataFolder(Settings.load({"data_dir": data_dir}).data_dir)
    folder.want_data()
    return folder


def _mega(size: int) -> str:
    return f"{size / (1 << 20):,.1f} MB"
