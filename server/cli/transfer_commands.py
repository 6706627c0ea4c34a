"""`gridbear export` and `gridbear import`: records of one model to a file and back."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from server.cli.backup_commands import (
    PhraseStdin,
    WithoutPhrase,
    WithoutSecrets,
    export_everything,
    import_everything,
)
from server.cli.options import DataDir, Force, Json, Yes, refuse_existing, show
from server.errors import GridBearError, ValidationFailed

if TYPE_CHECKING:
    from server.cli.transfer_doors import Door, Pairs

SHOWN_ERRORS = 20
STANDARD = Path("-")
RECORD_FILES = {".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".db", ".sqlite", ".sqlite3"}


class Format(StrEnum):
    """What an export writes."""

    csv = "csv"
    json = "json"
    jsonl = "jsonl"


def export_command(
    model: Annotated[str, typer.Argument(help="The model, such as notes; with --everything the file to write.")],
    file: Annotated[
        Path | None, typer.Argument(help="Where to write; without it, or with -, to the standard output.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--everything", help="Write the move file: all of this GridBear, for another computer.")
    ] = False,
    without_phrase: WithoutPhrase = False,
    format_: Annotated[Format | None, typer.Option("--format", help="csv unless the file's name tells.")] = None,
    where: Annotated[
        list[str] | None, typer.Option("--where", help="A filter as in a list: done=false, priority__gte=3.")
    ] = None,
    domain: Annotated[str | None, typer.Option("--domain", help="A JSON domain.")] = None,
    q: Annotated[str | None, typer.Option("--q", help="Full text.")] = None,
    fields: Annotated[str | None, typer.Option("--fields", help="Only these fields, with commas.")] = None,
    sort: Annotated[str | None, typer.Option("--sort", help="Such as -created_at,title.")] = None,
    bom: Annotated[bool, typer.Option("--bom", help="Begin a CSV with a byte order mark, for Excel.")] = False,
    force: Force = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Write the records of a model as CSV, JSON or JSON lines; or everything, as one file for another computer."""
    if everything:
        if file is not None or where or domain or q or fields or sort or format_:
            raise ValidationFailed("--everything takes the file to write and nothing else.")
        export_everything(Path(model), data_dir, without_phrase=without_phrase, force=force, as_json=as_json)
        return
    from server.cli.transfer_doors import data_door  # the whole server; `--help` can do without

    filters = [*_filters(where or []), *_given(domain=domain, q=q)]
    kind = format_ or _format_of(file)
    parameters = [*filters, *_given(fields=fields, sort=sort, bom="true" if bom else None), ("format", kind.value)]
    file = None if file == STANDARD else file
    with data_door(data_dir, new=False) as door, _target(file, force) as out:
        rows = _written(door, model, filters, parameters, kind, out, quiet=file is None)
    if file is not None:
        told = {"model": model, "records": rows, "path": str(file)}
        show(told, as_json, f"{rows:,} records of {model} are in {file}.")


def import_command(
    model: Annotated[str, typer.Argument(help="The model, such as notes; or a move file or backup, alone.")],
    file: Annotated[
        Path | None, typer.Argument(help="A CSV, JSON, JSON lines or SQLite file; - for the standard input.")
    ] = None,
    create: Annotated[
        bool, typer.Option("--create", help="Make the model from what the file holds, if there is none.")
    ] = False,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Import what is good; without it every row or none.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would happen.")] = False,
    mapping: Annotated[
        list[str] | None, typer.Option("--map", help="COLUMN=field, or COLUMN= to leave it out; more than once.")
    ] = None,
    ignore_unknown: Annotated[
        bool, typer.Option("--ignore-unknown", help="Leave out columns that are no field.")
    ] = False,
    keep_ids: Annotated[bool, typer.Option("--keep-ids", help="Keep id, times and owner of the rows.")] = False,
    owner: Annotated[
        str | None, typer.Option("--owner", help="Whose records they become; the first admin's unless told.")
    ] = None,
    table: Annotated[str | None, typer.Option("--table", help="The table of a SQLite file.")] = None,
    delimiter: Annotated[str | None, typer.Option("--delimiter", help="Of a CSV; its first line tells, too.")] = None,
    phrase_stdin: PhraseStdin = False,
    without_secrets: WithoutSecrets = False,
    yes: Yes = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Read records from a file. Nothing is stored when a row can't be used, unless --skip-bad.

    `gridbear import FILE` with a move file brings everything of another computer here, as `gridbear restore` does.
    """
    if file is None:
        _want_whole(Path(model))
        import_everything(
            Path(model),
            data_dir,
            phrase_stdin=phrase_stdin,
            without_secrets=without_secrets,
            dry_run=dry_run,
            yes=yes,
            as_json=as_json,
        )
        return
    from server.cli.transfer_doors import data_door  # the whole server; `--help` can do without

    of_file = _given(table=table, delimiter=delimiter)
    with _source(file) as source, data_door(data_dir, new=True) as door:
        columns: dict[str, str | None] = {}
        if create:
            model, columns = _make_model(door, model, of_file, source, dry_run=dry_run, as_json=as_json)
        if keep_ids:
            columns = {column: field for column, field in columns.items() if field is not None}
        columns |= _mapping(mapping or [])
        parameters = [
            *of_file,
            *_given(
                mode="skip_bad" if skip_bad else None,
                dry_run="true" if dry_run else None,
                ignore_unknown="true" if ignore_unknown else None,
                keep_ids="true" if keep_ids else None,
                owner=owner or door.first_admin(),
                mapping=json.dumps(columns) if columns else None,
            ),
        ]
        try:
            report = _read(door, model, parameters, source)
        except ValidationFailed as error:
            if error.code != "rows_refused":
                raise
            _show_refused(error)
            raise typer.Exit(1) from None
    typer.echo(json.dumps(report) if as_json else _summary(report, source))
    _show_errors([(str(one["row"]), one["field"] or "", one["message"]) for one in report["errors"]], report["refused"])


@contextlib.contextmanager
def _source(file: Path) -> Iterator[Path]:
    """The file to read: itself, or for - what the standard input holds, which is read more than once."""
    from server.cli.transfer_doors import readable

    if file != STANDARD:
        yield readable(file)
        return
    with tempfile.TemporaryDirectory(prefix="gridbear-") as folder:
        kept = Path(folder) / "stdin"
        try:
            with kept.open("wb") as out:
                shutil.copyfileobj(sys.stdin.buffer, out)
        except OSError as error:
            raise GridBearError(f"The standard input can't be kept ({error.strerror or error}).") from error
        yield kept


def _want_whole(file: Path) -> None:
    """Refuse what holds the records of one model, or is no file at all, where everything is to be brought here."""
    if not file.exists():
        raise ValidationFailed(
            f"There is no file {file}. `gridbear import MODEL FILE` reads records, `gridbear import FILE` a move file."
        )
    if file.suffix.lower() in RECORD_FILES:
        raise ValidationFailed(f"Name the model that the records are for: `gridbear import MODEL {file}`.")


def _make_model(
    door: Door, model: str, of_file: Pairs, file: Path, *, dry_run: bool, as_json: bool
) -> tuple[str, dict[str, str | None]]:
    """Make what `file` holds, if there is none yet.

    Returns the name of the model, which may be nearer to the rules than the one given, and the field (None: none) of
    each column that is called otherwise.
    """
    guessed = door.guess(of_file, model, file)
    columns = {one["name"]: one["field"] for one in guessed["columns"] if one["field"] != one["name"]}
    if door.has_model(model):
        return model, columns
    definition = guessed["model"]
    fields = ", ".join(f"{one['name']} ({one['type']})" for one in definition["fields"])
    name: str = definition["name"]
    if door.has_model(name):
        return name, columns
    typer.echo(f"{'Would make' if dry_run else 'Making'} the model {name}: {fields}.", err=True)
    if dry_run:
        if as_json:
            typer.echo(json.dumps({"dry_run": True, "would_make": definition}))
        raise typer.Exit
    door.make_model(definition)
    return name, columns


def _written(
    door: Door, model: str, filters: Pairs, parameters: Pairs, kind: Format, out: BinaryIO, *, quiet: bool
) -> int:
    from server.cli.progress import progress_bar

    total = door.count(model, filters)
    end = b"\r\n" if kind is Format.csv else b"\n"
    rows = 0
    with progress_bar(f"Exporting {model}", total, unit="records", hidden=quiet) as told:
        try:
            for chunk in door.export(model, parameters):
                out.write(chunk)
                # Near enough for a bar: a text of a CSV may hold line ends of its own.
                rows = min(total, rows + chunk.count(end))
                told(rows)
        except http.client.HTTPException as error:
            raise GridBearError("The export broke off; the log of the server has the reason.") from error
    return total


def _read(door: Door, model: str, parameters: Pairs, file: Path) -> dict[str, Any]:
    from server.cli.progress import progress_bar

    with progress_bar(f"Importing {file.name}", file.stat().st_size, unit="bytes", then="Storing") as told:
        return door.import_file(model, parameters, file, told)


@contextlib.contextmanager
def _target(file: Path | None, force: bool) -> Iterator[BinaryIO]:
    """Where to write: a file appears whole or not at all."""
    if file is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    refuse_existing(file, force)
    part = file.with_name(f"{file.name}.part")
    try:
        with part.open("wb") as out:
            yield out
        part.replace(file)
    except OSError as error:
        raise GridBearError(f"{file} can't be written ({error.strerror or error}).") from error
    finally:
        part.unlink(missing_ok=True)


def _format_of(file: Path | None) -> Format:
    ending = file.suffix.lower().lstrip(".") if file is not None else ""
    known = {"": Format.csv, "ndjson": Format.jsonl, **{format_.value: format_ for format_ in Format}}
    if ending not in known:
        raise ValidationFailed(f"{file} ends in no format of ours: csv, json or jsonl. Say one with --format.")
    return known[ending]


def _given(**values: str | None) -> Pairs:
    return [(name, value) for name, value in values.items() if value is not None]


def _filters(texts: list[str]) -> Pairs:
    pairs = [text.partition("=") for text in texts]
    for name, sign, _ in pairs:
        if not name or not sign:
            raise ValidationFailed(f"--where: a filter such as done=false is wanted, not {name!r}.")
    return [(name, value) for name, _, value in pairs]


def _mapping(texts: list[str]) -> dict[str, str | None]:
    pairs = [text.rpartition("=") for text in texts]
    if any(not column for column, _, _ in pairs):
        raise ValidationFailed("--map: COLUMN=field is wanted, such as --map 'Name=title'.")
    return {column: field or None for column, _, field in pairs}


def _summary(report: dict[str, Any], file: Path) -> str:
    verb = "would be imported" if report["dry_run"] else "were imported"
    text = f"{report['imported']:,} of {report['rows']:,} rows of {file.name} {verb} into {report['model']}"
    ignored = f"; left out: {', '.join(report['ignored'])}" if report["ignored"] else ""
    return f"{text} ({report['seconds']:.1f} s){ignored}."


def _show_refused(error: ValidationFailed) -> None:
    typer.echo(f"gridbear: {error.message}", err=True)
    rows = [(*name.partition(".")[::2], found.message) for name, found in error.fields.items()]
    _show_errors(rows, len(rows))


def _show_errors(errors: list[tuple[str, str, str]], count: int) -> None:
    for row, field, message in errors[:SHOWN_ERRORS]:
        typer.echo(f"  row {row}{f', {field}' if field else ''}: {message}", err=True)
    if count > SHOWN_ERRORS and errors:
        typer.echo(f"  … {count:,} refused in all", err=True)
