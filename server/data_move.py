"""Moving a data folder: copy, compare, switch. Until the switch the old place is in use, whatever happens.

The switch is one note in the old place (`server.data_location`). The old files stay until a later process has started
well from the new place.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from server.data_folder import DataFolder, network_file_system, sync_service
from server.data_location import COMING, MOVED_TO, followed, is_portable, note_in
from server.durable import sync_file, sync_folder
from server.errors import Conflict, FieldError, GridBearError, ValidationFailed

CAME_FROM = "came-from.json"
"""In the new place afterwards: the former places, and whether their files are still there."""
ASKED, FAILED = "move.json", "move-failed.json"
SPARE_BYTES = 64 << 20
_CHUNK = 1 << 20
_OF_THIS_PROCESS = frozenset(("server.json", "server.lock", "show", "upgrading.json", ASKED, FAILED))
_LEFT_BEHIND = frozenset((MOVED_TO, COMING, f"{MOVED_TO}.part", f"{COMING}.part"))

Told = Callable[[int], None]
"""Gets how many bytes are copied so far."""


class Plan(NamedTuple):
    """One move as it would be. `warnings` are sentences for a person."""

    source: Path
    target: Path
    files: int
    size: int
    free: int
    warnings: list[str]

    def shown(self) -> dict[str, Any]:
        """As programs read it."""
        return {
            "from": str(self.source),
            "to": str(self.target),
            "files": self.files,
            "bytes": self.size,
            "free_bytes": self.free,
            "warnings": self.warnings,
        }


def whole_path(folder: Path) -> Path:
    """From the root on, and without `..`: that would lead through folders which nobody knows the data hang on."""
    absolute = folder.expanduser().absolute()
    return absolute.resolve() if ".." in absolute.parts else absolute


def plan_move(source: Path, target: Path) -> Plan:
    """What moving would do. Raises ValidationFailed, Conflict where it can't be, with what to do instead."""
    source, target = followed(source), whole_path(target)
    real_source, real_target = source.resolve(), target.resolve()
    if not (source / "gridbear.db").exists():
        raise ValidationFailed(f"There is no GridBear in {source}. Name its data folder with --data-dir.")
    if real_target == real_source:
        raise _unfit("same_folder", f"The data are in {source} already. Name another folder.")
    if real_source in real_target.parents or real_target in real_source.parents:
        raise _unfit("inside", f"{target} and the data folder {source} lie inside each other. Name a folder elsewhere.")
    if (system := network_file_system(target)) is not None:
        raise _unfit(
            "network", f"{target} is on a network file system ({system}), where SQLite loses data. Choose a "
            "folder on this computer; backups may live on the network.",
        )  # fmt: skip
    _want_empty(source, target)
    files = list(_files(source))
    size = sum(path.lstat().st_size for path in files)
    free = shutil.disk_usage(_existing(target)).free
    if free < size + SPARE_BYTES:
        raise Conflict(
            f"{target} has {free >> 20:,} MB free, and the data folder needs {(size + SPARE_BYTES) >> 20:,} MB. "
            "Free some space there, or choose another disk.",
            code="no_space",
        )
    service = sync_service(target)
    warnings = [] if service is None else [
        f"{target} looks like it is inside {service}: a sync program that copies the open database can damage it."
    ]  # fmt: skip
    return Plan(source, target, len(files), size, free, warnings)


def move(plan: Plan, told: Told = lambda _: None) -> None:
    """Copy, compare and switch. The caller holds the old folder. Raises GridBearError; the old place stays then."""
    source, target = plan.source, plan.target
    try:
        target.mkdir(parents=True, exist_ok=True)
        if os.name == "posix":
            target.chmod(0o700)
        _empty(target, keep=_LEFT_BEHIND)
        _write(target / COMING, {"from": str(source)})
        _copy(source, target, told)
        former = [one for one in _former(target) if Path(one["path"]) not in (source, target)]
        _write(target / CAME_FROM, [*former, {"path": str(source), "files_are_there": True}])
        for folder in (target, *(one for one in target.rglob("*") if one.is_dir() and not one.is_symlink())):
            sync_folder(folder)
        sync_folder(target.parent)
        _write(source / MOVED_TO, {"to": str(target), "moved_at": time.time()})
    except OSError as error:
        raise GridBearError(
            f"The data folder could not be copied to {error.filename or target} ({error.strerror or error}). It is "
            f"still in {source}, as it was; try again, or choose another folder.",
            code="move_failed",
        ) from error
    # From here on the data are in the new place; what is left to do the next start does as well.
    with contextlib.suppress(OSError):
        (target / MOVED_TO).unlink(missing_ok=True)
        (target / COMING).unlink(missing_ok=True)


def clear_former(folder: Path) -> list[str]:
    """After a good start: remove the files of former places, all but the note there. Returns warnings."""
    former, warnings = _former(folder), []
    if not any(one["files_are_there"] for one in former):
        return []
    for one in former:
        place = Path(one["path"])
        note = note_in(place)
        # A folder that went on being used, or came to be another one, is nobody's rubbish.
        if one["files_are_there"] and note is not None and followed(place) == folder:
            try:
                _empty(place, keep=frozenset((MOVED_TO,)))
            except OSError as error:
                warnings.append(f"The former data folder {place} can't be cleared ({error.strerror or error}).")
                continue
        one["files_are_there"] = False
    _write(folder / CAME_FROM, former)
    return warnings


def former_places(folder: Path) -> list[Path]:
    """Where the data folder lay before, with a note or more left behind."""
    return [Path(one["path"]) for one in _former(folder)]


def place_facts(folder: Path) -> dict[str, Any]:
    """Where the data lie: `path`, `bytes`, `free_bytes`, `portable`, `former`."""
    return {
        "path": str(folder),
        "bytes": sum(path.lstat().st_size for path in _files(folder)),
        "free_bytes": shutil.disk_usage(folder).free,
        "portable": is_portable(folder),
        "former": [str(place) for place in former_places(folder)],
    }


def asked_for(folder: DataFolder) -> bool:
    """Whether a move waits to be carried out."""
    return (folder.run / ASKED).exists()


def ask_to_move(folder: DataFolder, target: Path) -> None:
    """Leave word for the running server: it moves before its next life begins."""
    (folder.run / FAILED).unlink(missing_ok=True)
    _write(folder.run / ASKED, {"to": str(target)})


def move_as_asked(folder: DataFolder) -> tuple[bool, str]:
    """Carry out what was asked for. Whether the data moved, and what went wrong. Nothing is open, the caller holds it.

    What went wrong is kept for `last_problem`.
    """
    word = folder.run / ASKED
    try:
        target = Path(json.loads(word.read_text("utf-8"))["to"])
    except (OSError, ValueError, KeyError, TypeError):
        return False, ""
    word.unlink(missing_ok=True)
    try:
        move(plan_move(folder.path, target))
    except GridBearError as error:
        with contextlib.suppress(OSError):
            _write(folder.run / FAILED, {"to": str(target), "problem": error.message})
        return False, error.message
    return True, ""


def last_problem(folder: DataFolder) -> dict[str, str] | None:
    """What became of the last move that was asked for, if it failed: `to` and `problem`."""
    try:
        found = json.loads((folder.run / FAILED).read_text("utf-8"))
        return {"to": str(found["to"]), "problem": str(found["problem"])}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _unfit(code: str, message: str) -> ValidationFailed:
    # The command line knows no field `to`.
    return ValidationFailed(message, fields={"to": FieldError(code, message)})


def _want_empty(source: Path, target: Path) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise Conflict(f"{target} is a file. Name a folder that is empty or not there yet.", code="not_empty")
    there = {one.name for one in target.iterdir()}
    of_an_unfinished_move = COMING in there
    a_former_place = MOVED_TO in there and followed(target) == source
    if there - {MOVED_TO, "run"} and not of_an_unfinished_move and not a_former_place:
        raise Conflict(f"{target} is not empty. Name a folder that is empty or not there yet.", code="not_empty")


def _files(source: Path) -> Iterator[Path]:
    """What moves: everything but what belongs to a process, is worth nothing without it, or is a note of a move."""
    for path in sorted(source.rglob("*")):
        inside = path.relative_to(source)
        if path.is_dir() and not path.is_symlink():
            continue
        if not (path.is_file() or path.is_symlink()) or inside.parts[0] == "tmp" or path.name == "gridbear.db-shm":
            continue
        if inside.parts[0] == "run" and (
            inside.name in _OF_THIS_PROCESS or inside.name.startswith(("probe-", "launcher"))
        ):
            continue
        if len(inside.parts) == 1 and inside.name in _LEFT_BEHIND:
            continue
        yield path


def _copy(source: Path, target: Path, told: Told) -> None:
    done = 0
    for folder in sorted(one for one in source.rglob("*") if one.is_dir() and not one.is_symlink()):
        made = target / folder.relative_to(source)
        made.mkdir(exist_ok=True)
        shutil.copystat(folder, made)
    for path in _files(source):
        copy = target / path.relative_to(source)
        if path.is_symlink():
            copy.symlink_to(path.readlink())
            continue
        wanted = hashlib.sha256()
        with path.open("rb") as read, copy.open("wb") as write:
            while chunk := read.read(_CHUNK):
                wanted.update(chunk)
                write.write(chunk)
                done += len(chunk)
                told(done)
            write.flush()
            os.fsync(write.fileno())
        with copy.open("rb") as read:
            if hashlib.file_digest(read, "sha256").digest() != wanted.digest():
                raise OSError(None, "the disk gives back something else than was written", str(copy))
        shutil.copystat(path, copy)


def _former(folder: Path) -> list[dict[str, Any]]:
    try:
        found = json.loads((folder / CAME_FROM).read_text("utf-8"))
        return [{"path": str(one["path"]), "files_are_there": bool(one["files_are_there"])} for one in found]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _empty(folder: Path, keep: frozenset[str]) -> None:
    for one in folder.iterdir():
        if one.name in keep:
            continue
        if one.is_dir() and not one.is_symlink():
            shutil.rmtree(one)
        else:
            one.unlink()


def _existing(path: Path) -> Path:
    return next(one for one in (path, *path.parents) if one.exists())


def _write(path: Path, content: Any) -> None:
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(content), "utf-8")
    sync_file(part)
    part.replace(path)
    sync_folder(path.parent)
