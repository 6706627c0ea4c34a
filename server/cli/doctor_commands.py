"""`gridbear doctor`: a look at everything that a person would otherwise find out too late."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from itertools import chain
from typing import TYPE_CHECKING

import typer

from server.cli.options import DataDir, Json

if TYPE_CHECKING:
    from server.cli.doctor_checks import Finding

MORE_LOOKS: list[Callable[[], Iterable[Finding]]] = []
"""What the shell adds, which knows the desktop."""
_MARKS = {"ok": "ok", "attention": "LOOK", "trouble": "BAD"}


def doctor_command(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Look at the data folder, the database, keys, backups, the server, the port and the desktop. Changes nothing.

    What it prints holds no secret and may be shared.

    Exit code 1 when something needs a person.
    """
    from server.cli.computer_checks import computer_findings  # the database and the keys; `--help` can do without
    from server.cli.doctor_checks import Doctor
    from server.config import Settings

    settings = Settings.load({"data_dir": data_dir})
    findings = []
    for finding in chain(Doctor(settings).findings(), computer_findings(settings), *(look() for look in MORE_LOOKS)):
        findings.append(finding)
        if not as_json:
            typer.echo(f"{_MARKS[finding.state]:<5} {finding.what + ':':<17} {finding.text}")
    well = all(finding.state == "ok" for finding in findings)
    if as_json:
        typer.echo(json.dumps({"ok": well, "findings": [asdict(finding) for finding in findings]}))
    if not well:
        raise typer.Exit(1)
