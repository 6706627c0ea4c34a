"""`gridbear secrets`: the recovery phrase, a new key, and the ways out when the key is gone."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.options import DataDir, Json, Yes, show
from server.errors import Conflict, NotFound, ValidationFailed

if TYPE_CHECKING:
    from server.data_folder import DataFolder
    from server.models.registry import ModelRegistry
    from server.secrets.key_ring import KeyRing
    from server.secrets.key_store import KeyStore

# Each command brings its own libraries: `--help`, and every other command, can do without them.
TRIES = 3

app = typer.Typer(help="The key of the secrets, and the recovery phrase that brings it back.")
PhraseStdin = Annotated[bool, typer.Option("--phrase-stdin", help="Read the phrase from stdin.")]


@app.command("phrase")
def phrase(phrase_stdin: PhraseStdin = False, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Make a recovery phrase: it is shown once, and in force when you have typed it back. It replaces an older one.

    With --phrase-stdin the phrase on stdin is put in force.
    """
    from server.cli.reach import run_operation
    from server.secrets.phrase import public_key

    words = sys.stdin.read() if phrase_stdin else _shown_and_typed_back()
    result = run_operation("secrets-phrase", {"public_key": public_key(words).hex()}, data_dir)
    text = f"The recovery phrase is in force since {result['since']}. Every backup from now on can be restored with it."
    show(result, as_json, text)


@app.command("rotate")
def rotate(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Make a new key and seal every secret anew under it. The recovery phrase stays the same."""
    from server.cli.reach import run_operation

    result = run_operation("secrets-rotate", {}, data_dir)
    count = result["values"]
    sealed = "1 value is" if count == 1 else f"{count} values are"
    show(result, as_json, f"{sealed} sealed under a new key. Older keys stay, for backups that need them.")


@app.command("recover")
def recover(
    backup: Annotated[
        Path | None, typer.Option("--backup", help="Take the key from this backup, not from the data folder.")
    ] = None,
    phrase_stdin: PhraseStdin = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Bring a lost key back with the recovery phrase. The server must be stopped."""
    from server.secrets.phrase import unwrap
    from server.secrets.private_file import read_private
    from server.secrets.vault import WRAPPED_FILE, recover_vault

    with _stopped(data_dir) as (folder, store):
        wrapped = read_private(folder.secrets / WRAPPED_FILE) if backup is None else _wrapped_in(backup)
        if wrapped is None:
            raise NotFound(
                "No recovery phrase was ever kept here. If a backup has one, use --backup FILE; else "
                "`gridbear secrets forget` empties the values that can't be read."
            )
        words = sys.stdin.read() if phrase_stdin else _asked("Recovery phrase")
        vault = recover_vault(store, unwrap(wrapped, words), wrapped)
        unreadable = _unreadable(folder, vault.key_ids)
        show(
            {"keys": len(vault.key_ids), "unreadable": unreadable},
            as_json,
            f"The key is back ({len(vault.key_ids)} in all).",
        )
        for name, count in unreadable.items():
            typer.echo(f"Still not readable: {count} in {name}, sealed under another key.", err=True)


@app.command("forget")
def forget(
    yes: Yes = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Empty the secrets whose key is gone for good, so that the server starts again. It must be stopped."""
    from server.records.sealing import forget_unreadable, unreadable_values
    from server.secrets.key_ring import KeyRing
    from server.secrets.vault import recover_vault

    with _stopped(data_dir) as (folder, store):
        registry = _registry()
        ring = _readable(store)
        counts = unreadable_values(folder.database, registry, frozenset() if ring is None else ring.ids)
        if ring is not None and not counts:
            show({"emptied": {}}, as_json, "Every secret can be read; there is nothing to forget.")
            return
        lost = ", ".join(f"{count} in {name}" for name, count in counts.items()) or "none in the database"
        typer.echo(f"Values that can't be read: {lost}.", err=as_json)
        if not yes and not (sys.stdin.isatty() and typer.confirm("Empty them? This can't be undone")):
            raise Conflict("Nothing was changed. Answer yes at the terminal, or use --yes.")
        vault = recover_vault(store, ring or KeyRing.new())
        forget_unreadable(folder.database, registry, vault)
        text = "They are empty now, and there is a new key. Set them again, then make a recovery phrase."
        show({"emptied": counts}, as_json, text)


@contextlib.contextmanager
def _stopped(data_dir: Path | None) -> Iterator[tuple[DataFolder, KeyStore]]:
    from server.config import Settings
    from server.data_folder import DataFolder
    from server.secrets.key_store import KeyStore

    settings = Settings.load({"data_dir": data_dir})
    folder = DataFolder(settings.data_dir)
    if not folder.path.is_dir():
        raise NotFound(f"There is no data folder {folder.path}.")
    folder.open()
    with folder.lock():
        yield folder, KeyStore(folder.secrets, settings.key_store)


def _registry() -> ModelRegistry:
    from server.models.base import Base
    from server.models.catalogue import OWN_MODELS
    from server.models.registry import ModelRegistry

    assert OWN_MODELS, "importing the catalogue declares the program's models"
    return ModelRegistry(Base)


def _unreadable(folder: DataFolder, keys: frozenset[str]) -> dict[str, int]:
    from server.records.sealing import unreadable_values

    return dict(unreadable_values(folder.database, _registry(), keys))


def _readable(store: KeyStore) -> KeyRing | None:
    from server.errors import StartupError

    try:
        return store.load()
    except StartupError as error:
        typer.echo(error.message, err=True)
        return None


def _wrapped_in(backup: Path) -> bytes | None:
    from server.backup.archive_format import KEY_RING
    from server.backup.archive_reader import Archive

    with Archive(backup) as archive:
        return archive.read(KEY_RING, 1 << 20) if archive.has(KEY_RING) else None


def _shown_and_typed_back() -> str:
    from server.secrets.phrase import new_phrase, public_key

    if not sys.stdin.isatty():
        raise ValidationFailed("There is no terminal to show the words on and type them back: use --phrase-stdin.")
    words = new_phrase()
    numbered = [f"{number:2}. {word}" for number, word in enumerate(words.split(), 1)]
    typer.echo("These twelve words open the secrets of every backup. Write them down in this order and keep them away")
    typer.echo("from this computer. They are not kept here and not shown again.\n")
    for row in range(4):
        typer.echo("   " + "".join(f"{numbered[row + 4 * column]:<18}" for column in range(3)))
    typer.echo("")
    for _ in range(TRIES):
        try:
            if public_key(_asked("Type them back")) == public_key(words):
                return words
            typer.echo("These are not the words above.", err=True)
        except ValidationFailed as error:
            typer.echo(error.message, err=True)
    raise Conflict("The words were not typed back, so no new recovery phrase is in force.")


def _asked(question: str) -> str:
    if not sys.stdin.isatty():
        raise ValidationFailed("There is no terminal to ask for the recovery phrase: use --phrase-stdin.")
    return str(typer.prompt(question))
