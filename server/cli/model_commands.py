"""`gridbear models`: what own models are declared as, written to a file and taken over from one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from server.cli.options import DataDir, Force, Json, Yes, confirmed, refuse_existing, show, write_text
from server.errors import GridBearError, ValidationFailed

models = typer.Typer(help="The definitions of your own models, as a file without records.")
_ACTIONS = {"create": "is made", "change": "changes", "none": "is the same"}


@models.command("export")
def export_models(
    file: Annotated[Path | None, typer.Argument(help="Where to write; without it to the standard output.")] = None,
    only: Annotated[str | None, typer.Option("--only", help="Names of models with commas; without it all.")] = None,
    force: Force = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Write the definitions of your own models: fields, default rules and indexes."""
    from server.cli.model_door import model_door  # the whole server; `--help` can do without

    refuse_existing(file, force)
    with model_door(data_dir) as door:
        written = door.written(only or "")
    text = json.dumps(written, ensure_ascii=False, indent=2) + "\n"
    if file is None:
        typer.echo(text, nl=False)
        return
    write_text(file, text)
    count = len(written["models"])
    words = "1 definition is" if count == 1 else f"{count} definitions are"
    show({"models": count, "path": str(file)}, as_json, f"{words} in {file}.")


@models.command("import")
def import_models(
    file: Annotated[Path, typer.Argument(help="A file that `gridbear models export` wrote.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would happen.")] = False,
    yes: Yes = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Make and change models as a file says, all of it or nothing. Models that it does not name stay.

    Asks before values are lost; a copy of the database is kept then.
    """
    from server.cli.model_door import model_door

    given = _read(file)
    with model_door(data_dir) as door:
        steps = door.taken_over(given, dry_run=True, confirmed=False)
        if not dry_run:
            losses = [loss for step in steps for loss in step["losses"]]
            if losses:
                if not as_json:
                    typer.echo(_told(steps))
                confirmed("Values would be lost. Go on?", yes)
            steps = door.taken_over(given, dry_run=False, confirmed=bool(losses))
    show(steps, as_json, _told(steps))


def _read(file: Path) -> dict[str, Any]:
    try:
        given = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise GridBearError(f"{file} can't be read ({error.strerror or error}).") from error
    except ValueError as error:
        raise ValidationFailed(f"{file} is no JSON: {error}.") from error
    if not isinstance(given, dict):
        raise ValidationFailed(f"{file} is no file of model definitions; `gridbear models export` writes one.")
    return given


def _told(steps: list[dict[str, Any]]) -> str:
    lines = []
    for step in steps:
        what = [*step["parts"], *(f"{field['name']} {field['change']}" for field in step["fields"])]
        lines.append(f"{step['model']} {_ACTIONS[step['action']]}" + (f": {', '.join(what)}" if what else ""))
        lines += [f"  {one['field']} is {one['change']}: {one['records']} values" for one in step["losses"]]
    return "\n".join(lines)
