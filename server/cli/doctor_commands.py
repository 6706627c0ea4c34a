"""`gridbear doctor`: a look at everything that a person would otherwise find out too late."""

from __future__ import annotations

import json
from dataclasses import asdict

import typer

from server.cli.options import DataDir, Json

_MARKS = {"ok": "ok", "attention": "LOOK", "trouble": "BAD"}


def doctor_command(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Look at the data folder, the database, the key, the backups and the server. Changes nothing.

    Exit code 1 when something needs a person.
    """
    from server.cli.doctor_checks import Doctor  # the database and the keys; `--help` can do without
    from server.config import Settings

    findings = []
    for finding in Doctor(Settings.load({"data_dir": data_dir})).findings():
        findings.append(finding)
        if not as_json:
            typer.echo(f"{_MARKS[finding.state]:<5} {finding.what + ':':<17} {finding.text}")
    well = all(finding.state == "ok" for finding in findings)
    if as_json:
        typer.echo(json.dumps({"ok": well, "findings": [asdict(finding) for finding in findings]}))
    if not well:
        raise typer.Exit(1)
