"""`gridbear autostart`: tray and server start when a person signs in to this computer."""

from __future__ import annotations

import json

import typer

from gridbear_desktop.autostart import Autostart
from server.cli.options import DataDir, Json

autostart = typer.Typer(help="Start GridBear when you sign in to this computer.")


@autostart.command("on")
def on(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Start the tray at each login."""
    item = Autostart(data_dir)
    item.switch(True)
    _tell(item, as_json)


@autostart.command("off")
def off(as_json: Json = False) -> None:
    """Start nothing at login."""
    item = Autostart()
    item.switch(False)
    _tell(item, as_json)


@autostart.command("status")
def status(as_json: Json = False) -> None:
    """Show what starts at login."""
    _tell(Autostart(), as_json)


def _tell(item: Autostart, as_json: bool) -> None:
    command = item.command
    if as_json:
        typer.echo(json.dumps({"on": command is not None, "place": item.place, "command": command}))
    elif command is None:
        typer.echo("GridBear does not start at login. `gridbear autostart on` lets it.")
    else:
        typer.echo(f"GridBear starts at login: {' '.join(command)}\n{item.place}")
