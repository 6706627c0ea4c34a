"""`gridbear service`: GridBear as a service of systemd, for a person and without a tray."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from server.cli.options import DataDir, Json, exists_already
from server.cli.user_unit import UnitState, UserUnit
from server.errors import Conflict

service = typer.Typer(help="Run GridBear as a service that starts at login (Linux).")
_WORDS = {
    "running": "The service runs.",
    "failed": "The service could not start. `journalctl --user -u gridbear` says why.",
    "stopped": "The service is installed and does not run. `gridbear service install` starts it.",
    "absent": "There is no service. `gridbear service install` makes one.",
}


@service.command("install")
def install(
    data_dir: DataDir = None,
    replace: Annotated[bool, typer.Option("--replace", help="Write over a unit that GridBear did not write.")] = False,
    as_json: Json = False,
) -> None:
    """Start the server now and at each login. Installed again, it takes the program and settings of now.

    Exit code 3 when there is a unit that GridBear did not write (see --replace); nothing is changed then.
    """
    try:
        found = UserUnit().install(data_dir, replace=replace)
    except Conflict as error:
        raise exists_already(error) from None
    _tell(found, as_json)


@service.command("remove")
def remove(as_json: Json = False) -> None:
    """End the service and take it away. The data stay. Exit code 3 when GridBear did not write the unit."""
    try:
        gone = UserUnit().remove()
    except Conflict as error:
        raise exists_already(error) from None
    words = "The service is gone; your data stay." if gone else _WORDS["absent"]
    typer.echo(json.dumps({"removed": gone}) if as_json else words)


@service.command("status")
def status(as_json: Json = False) -> None:
    """Show how the service stands. Exit code 3 when it does not run."""
    found = UserUnit().state()
    _tell(found, as_json)
    if found.state != "running":
        raise typer.Exit(3)


def _tell(found: UnitState, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(asdict(found)))
        return
    typer.echo(_WORDS[found.state])
    if found.state == "absent":
        return
    typer.echo(f"Unit: {found.path}")
    if found.data_dir:
        typer.echo(f"Data folder: {found.data_dir}")
    if not found.at_login:
        typer.echo("It does not start at login: `systemctl --user enable gridbear` lets it.")
    if not found.lingers:
        typer.echo("It ends when you sign out of this computer. `loginctl enable-linger` lets it go on.")
