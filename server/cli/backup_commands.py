"""`gridbear backup` and `gridbear restore`, and the move file of `gridbear export --everything` and `import`."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from server.cli.options import DataDir, Force, Json, Yes, confirmed, refuse_existing, show
from server.errors import GridBearError, NotFound, ValidationFailed

if TYPE_CHECKING:
    from server.config import Settings

T = TypeVar("T")

backup = typer.Typer(help="Make a backup, list them, check one.", invoke_without_command=True)

PhraseStdin = Annotated[bool, typer.Option("--phrase-stdin", help="Read the recovery phrase from stdin, one line.")]
WithoutPhrase = Annotated[
    bool, typer.Option("--without-phrase", help="Although nobody has kept a recovery phrase: secrets stay behind.")
]

WithoutSecrets = Annotated[
    bool,
    typer.Option("--without-secrets", help="Empty the secrets that nothing opens here; all else is restored."),
]


@backup.callback()
def backup_make(
    context: typer.Context,
    to: Annotated[Path | None, typer.Option("--to", help="Also write it to this file.")] = None,
    without_phrase: WithoutPhrase = False,
    force: Force = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Make a backup and check it; `list` and `check` look at those that are there."""
    if context.invoked_subcommand is not None:
        return
    settings = _settings(data_dir)
    refuse_existing(to, force)
    made = _made(settings, "backup", without_phrase)
    if to is not None:
        _copied(_folder(settings) / made["name"], to)
    _show_made(made, to or _folder(settings) / made["name"], as_json)


@backup.command("list")
def backup_list(data_dir: DataDir = None, as_json: Json = False) -> None:
    """List the backups, the newest first."""
    from server.backup.library import Library

    entries = Library(_folder(_settings(data_dir))).entries()
    if as_json:
        typer.echo(json.dumps(entries))
        return
    if not entries:
        typer.echo("There is no backup yet. `gridbear backup` makes one.")
    for entry in entries:
        about = entry["problem"] or f"{entry['reason']}, by {entry['made_by']}, secrets {entry['secrets']}"
        typer.echo(f"{entry['name']}  {_mega(entry['size'])}  {entry['made_at'] or '?'}  {about}")


@backup.command("check")
def backup_check(
    which: Annotated[str, typer.Argument(help="The name of a backup, or a file.")],
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Read a backup whole and compare it with what it says of itself."""
    import tempfile
    import threading

    from server.backup.archive_reader import Archive
    from server.cli.progress import progress_bar

    settings = _settings(data_dir)
    path = _found(which, settings)
    done = 0
    with Archive(path) as archive, progress_bar("Checking", archive.size, unit="bytes") as bar:

        def step(count: int) -> None:
            nonlocal done
            done += count
            bar(done)

        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".check-") as folder:
            archive.verify(Path(folder), threading.Event(), step)
        rows = sum(archive.manifest.counts.values())
    files = len(archive.manifest.members)
    told = {"path": str(path), "rows": rows, "files": files}
    show(told, as_json, f"{path.name} is whole: {rows:,} rows, {files:,} files.")


def restore_command(
    which: Annotated[str | None, typer.Argument(help="The name of a backup, or a file.")] = None,
    phrase_stdin: PhraseStdin = False,
    without_secrets: WithoutSecrets = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would happen.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Bring back what the last restore replaced.")] = False,
    before_upgrade: Annotated[
        bool, typer.Option("--before-upgrade", help="Bring back the database from before the last upgrade.")
    ] = False,
    yes: Yes = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Replace everything with what a backup holds. What is there now is kept, and --undo brings it back."""
    if [which is not None, undo, before_upgrade].count(True) != 1:
        raise ValidationFailed("Name one of these: a backup or a file, --undo, --before-upgrade.")
    settings = _settings(data_dir)
    if before_upgrade:
        _before_upgrade(settings, yes, as_json)
    elif undo:
        confirmed("Bring back what the last restore replaced?", yes)
        with _door(settings) as door:
            _show_report(_with_bar("Bringing back", door.undo), as_json)
    else:
        assert which is not None
        restore_everything(
            which,
            settings,
            phrase_stdin=phrase_stdin,
            without_secrets=without_secrets,
            dry_run=dry_run,
            yes=yes,
            as_json=as_json,
        )


def export_everything(
    file: Path, data_dir: Path | None, *, without_phrase: bool, force: bool, as_json: bool = False
) -> None:
    """Write the move file: everything of this GridBear, for another computer."""
    settings = _settings(data_dir)
    refuse_existing(file, force)
    made = _made(settings, "move", without_phrase)
    path = _folder(settings) / made["name"]
    _copied(path, file)
    path.unlink(missing_ok=True)
    _show_made(made, file, as_json)


def last_backup(data_dir: Path, target: Path | None) -> Path:
    """A backup before GridBear goes from this computer: among the others, or at `target`. Returns where it is."""
    settings = _settings(data_dir)
    made = _made(settings, "backup", True)
    path = _folder(settings) / str(made["name"])
    if target is None:
        return path
    _copied(path, target)
    path.unlink(missing_ok=True)
    return target


def import_everything(
    file: Path,
    data_dir: Path | None,
    *,
    phrase_stdin: bool,
    without_secrets: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Bring everything of a move file here, in the place of what is here."""
    from server.cli.transfer_doors import readable

    restore_everything(
        str(readable(file)),
        _settings(data_dir),
        phrase_stdin=phrase_stdin,
        without_secrets=without_secrets,
        dry_run=dry_run,
        yes=yes,
        as_json=as_json,
    )


def restore_everything(
    which: str,
    settings: Settings,
    *,
    phrase_stdin: bool,
    without_secrets: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool = False,
) -> None:
    """Restore a backup or a move file, named or as a file of this computer."""
    from server.backup.archive_reader import Archive

    path = _found(which, settings)
    own = path.parent == _folder(settings)
    with Archive(path):
        # What is no backup is told by the name that was given.
        pass
    with _door(settings) as door:
        name = path.name if own else _with_bar("Taking it in", lambda told: door.take_in(path, told))
        finished = False
        try:
            plan = _with_bar("Checking", lambda told: door.plan(name, told))
            if dry_run:
                _show_plan(plan, as_json)
                return
            if not as_json:
                _show_plan(plan, as_json)
            phrase = _phrase(phrase_stdin, needed=plan["phrase_needed"] and not without_secrets)
            confirmed(f"Replace everything in {settings.data_dir} with this? It can be undone.", yes)
            report = _with_bar(
                "Restoring", lambda told: door.restore(name, phrase, told, without_secrets=without_secrets)
            )
            finished = report["outcome"] == "restored"
        finally:
            if not own and not finished:
                with contextlib.suppress(GridBearError, OSError):
                    door.forget(name)
    _show_report(report, as_json)
    if not as_json:
        _show_left(plan["not_included"])


def _before_upgrade(settings: Settings, yes: bool, as_json: bool) -> None:
    from server.data_folder import DataFolder
    from server.db.before_upgrade import restore_before_upgrade

    confirmed("Bring back the database from before the last upgrade? Later changes are kept aside.", yes)
    folder = DataFolder(settings.data_dir)
    folder.open()
    with folder.lock():
        kept = restore_before_upgrade(folder)
    text = f"The database is the one from before the upgrade ({kept.name}); the newer one is kept beside that."
    show({"outcome": "restored", "name": kept.name}, as_json, text)


def _made(settings: Settings, kind: Any, without_phrase: bool) -> dict[str, Any]:
    with _door(settings, new=False) as door:
        try:
            return _with_bar("Backing up", lambda told: door.make(kind, without_phrase, told))
        except GridBearError as error:
            if error.code == "recovery_phrase_needed":
                raise ValidationFailed(
                    "Nobody has kept a recovery phrase yet, and without one no file brings secrets back on another "
                    "computer. `gridbear secrets phrase` shows one to keep; or add --without-phrase."
                ) from None
            raise


def _with_bar(title: str, work: Callable[[Callable[[float], None]], T]) -> T:
    from server.cli.progress import progress_bar

    with progress_bar(title, 1000, unit="percent") as told:
        return work(lambda fraction: told(int(1000 * fraction)))


def _door(settings: Settings, *, new: bool = True) -> Any:
    from server.cli.backup_doors import backup_door  # the whole server; `--help` can do without

    return backup_door(settings, new=new)


def _settings(data_dir: Path | None) -> Settings:
    from server.config import Settings

    return Settings.load({"data_dir": data_dir})


def _folder(settings: Settings) -> Path:
    return settings.data_dir.expanduser().absolute() / "backups"


def _found(which: str, settings: Settings) -> Path:
    """The file that a name or a path means. Raises NotFound."""
    for path in (_folder(settings) / which, Path(which).expanduser().absolute()):
        if path.is_file() and (path.parent == _folder(settings) or Path(which).is_file()):
            return path
    raise NotFound(f"There is no backup and no file {which}. `gridbear backup list` lists the backups.")


def _copied(source: Path, target: Path) -> None:
    part = target.with_name(f"{target.name}.part")
    try:
        shutil.copyfile(source, part)
        part.chmod(0o600)
        part.replace(target)
    except OSError as error:
        raise GridBearError(f"{source} can't be copied to {target} ({error.strerror or error}).") from error
    finally:
        part.unlink(missing_ok=True)


def _phrase(from_stdin: bool, *, needed: bool) -> str | None:
    if from_stdin:
        return sys.stdin.readline().strip() or None
    if not needed:
        return None
    if not sys.stdin.isatty():
        raise ValidationFailed(
            "This backup's secrets were sealed elsewhere: give its phrase with --phrase-stdin, or restore without them "
            "(--without-secrets)."
        )
    return str(typer.prompt("Recovery phrase", hide_input=True)).strip()


def _show_made(made: dict[str, Any], where: Path, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({**made, "path": str(where)}))
        return
    for model, rows in made["counts"].items():
        if rows:
            typer.echo(f"{model:<32} {rows:>12,}")
    _show_left(made["not_included"])
    typer.echo(f"{where} is made and checked: {_mega(made['size'])}, secrets {made['secrets']}.")


def _show_plan(plan: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(plan))
        return
    about = plan["backup"]
    typer.echo(
        f"{about['name']}: made {about['made_at']} by {about['made_by']} with GridBear {about['program_version']}"
    )
    _show_rows(plan["models"], "now")
    _show_left(plan["not_included"])
    opens = "its recovery phrase opens them" if plan["phrase_needed"] else "--without-secrets restores all but these"
    _show_lost(plan["unreadable_secrets"], f"Secrets that this computer has no key for; {opens}:")


def _show_report(report: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(report))
    else:
        _show_rows(report["models"], "rows now")
        _show_lost(report["lost_secrets"], "Secrets that are empty now and want your attention:")
    if report["outcome"] == "failed":
        raise GridBearError(f"Nothing was changed: {report['problem']}")
    if not as_json:
        done = "restored" if report["outcome"] == "restored" else "brought back"
        typer.echo(f"{report['name']} is {done}. `gridbear restore --undo` takes it back.")


def _show_rows(rows: list[dict[str, Any]], now: str) -> None:
    typer.echo(f"{'model':<32} {'in the backup':>14} {now:>12}")
    for row in rows:
        if row["backup"] or row["now"]:
            counts = ["-" if row[side] is None else f"{row[side]:,}" for side in ("backup", "now")]
            typer.echo(f"{row['model']:<32} {counts[0]:>14} {counts[1]:>12}")


def _show_lost(lost: list[dict[str, Any]], title: str) -> None:
    if lost:
        typer.echo(title)
    for one in lost:
        typer.echo(f"  {one['model']}.{one['field']}: {one['rows']:,}")


def _show_left(left: list[dict[str, str]]) -> None:
    if left:
        typer.echo("Not included, or to be set again on another computer:")
    for one in left:
        typer.echo(f"  {one['what']}: {one['why']}")


def _mega(size: int) -> str:
    return f"{size / (1 << 20):,.1f} MB"
