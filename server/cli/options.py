"""Options, exit codes and small acts that several commands share."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from server.errors import GridBearError, ValidationFailed

EXIT_EXISTS = 3

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="The data folder, if not the platform's own (GRIDBEAR_DATA_DIR).")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask.")]
Force = Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")]


def show(result: Any, as_json: bool, *lines: str) -> None:
    """Print what a command did: for a program as JSON, for a person as sentences."""
    typer.echo(json.dumps(result, ensure_ascii=False) if as_json else "\n".join(lines))


def confirmed(question: str, yes: bool) -> None:
    """Go on only with a yes. Raises ValidationFailed where nobody can be asked, typer.Abort on a no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise ValidationFailed("There is no terminal to ask: add --yes.")
    typer.confirm(question, abort=True)


def exists_already(error: GridBearError) -> typer.Exit:
    """Say why nothing was changed, and give the end to raise: exit code 3."""
    typer.echo(f"gridbear: {error.message}", err=True)
    return typer.Exit(EXIT_EXISTS)


def refuse_existing(file: Path | None, force: bool) -> None:
    """End with exit code 3 when `file` is there and is not to be replaced."""
    if file is not None and file.exists() and not force:
        typer.echo(f"gridbear: {file} exists already; choose another name, or replace it with --force.", err=True)
        raise typer.Exit(EXIT_EXISTS)


def write_text(file: Path, text: str) -> None:
    """Write a file whole or not at all. Raises GridBearError."""
    part = file.with_name(f"{file.name}.part")
    try:
        part.write_text(text, "utf-8", newline="\n")
        part.replace(file)
    except OSError as error:
        raise GridBearError(f"{file} can't be written ({error.strerror or error}). Choose another place.") from error
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def disk_untold() -> Iterator[None]:
    """Inside, the log says nothing of a full disk: a command that it stops says so itself, once."""
    logger = logging.getLogger("server.db.storage")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
