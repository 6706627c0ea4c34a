"""A folder that an admin chose, and all that may be done below it."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from server.plugin_api import Conflict, Forbidden, TooLarge, ValidationFailed

from .paths import DRAFT, MOST_DEEP, TRASH, Parts, is_shown, parsed
from .place import HAS_DESCRIPTORS, Place, kind_of, told, wrong_kind

MOST_NAMES = 20_000
"""So many names of one folder are looked at."""
_SYSTEM = tuple(Path(it) for it in ("/proc", "/sys", "/dev", "/run"))


class Tree:
    """`private` is GridBear's own data folder, which no client enters, moves or deletes."""

    def __init__(
        self, root: str, *, hidden: bool, private: Path, max_bytes: int, descriptors: bool = HAS_DESCRIPTORS
    ) -> None:
        self._root = Path(root)
        self._hidden = hidden
        self._max_bytes = max_bytes
        self._private = Path(os.path.realpath(private))
        self._descriptors = descriptors

    @property
    def is_there(self) -> bool:
        return self._root.is_dir()

    def check(self) -> None:
        """Raise ValidationFailed when no client should ever get this folder. It may be on a disk that is not there."""
        if (wrong := self._wrong()) is not None:
            raise ValidationFailed.of("folders", "folder", wrong)

    def _wrong(self) -> str | None:
        real = Path(os.path.realpath(self._root))
        if not self._root.is_absolute():
            return f"{self._root} is no whole path"
        if real == Path(real.anchor) or any(real == it or it in real.parents for it in _SYSTEM):
            return f"{real} belongs to the system; choose a folder of files"
        if real == self._private or self._private in real.parents:
            return f"{real} is GridBear's own data"
        if real.exists() and not real.is_dir():
            return f"{real} is no folder"
        return None

    # Reading

    def listed(self, path: str, offset: int, limit: int) -> dict[str, Any]:
        """The names of a folder in order, folders first; `left_out` counts links, hidden and special ones."""
        parts = self._parts(path)
        with told(path), self._place(parts) as place:
            found, left_out = self._entries(place)
        page = found[offset : offset + limit]
        more = offset + limit if offset + limit < len(found) else None
        return {"path": "/".join(parts), "entries": page, "next_offset": more, "left_out": left_out}

    def read(self, path: str) -> bytes:
        """A file whole. Raises TooLarge."""
        parts = self._file_parts(path)
        with told(path), self._place(parts[:-1]) as place, os.fdopen(place.open_file(parts[-1]), "rb") as file:
            size = os.fstat(file.fileno()).st_size
            # It may grow while it is read, and those of the system say 0.
            data = file.read(self._max_bytes + 1)
        if len(data) > self._max_bytes:
            raise TooLarge(f"{path} has {size} bytes; at most {self._max_bytes} are read.")
        return data

    def kind(self, path: str) -> str:
        """`file` or `folder`."""
        parts = self._parts(path)
        if not parts:
            return "folder"
        with told(path), self._place(parts[:-1]) as place:
            info = place.stat(parts[-1])
            if kind_of(info) not in ("file", "folder"):
                raise wrong_kind(parts[-1], info, "file")
            return kind_of(info)

    def walk(self, path: str) -> Iterator[tuple[str, dict[str, Any], Place]]:
        """Every file and folder below, with its path and the open place that it is in."""
        parts = self._parts(path)
        with told(path), self._place(parts) as place:
            yield from self._walk(place, parts)

    # Writing

    def write(self, path: str, data: bytes, *, overwrite: bool) -> None:
        """A file whole or not at all. What it replaces goes to the trash."""
        parts = self._file_parts(path)
        if len(data) > self._max_bytes:
            raise TooLarge(f"{len(data)} bytes; at most {self._max_bytes} are written.")
        name, draft = parts[-1], DRAFT + secrets.token_hex(8)
        with told(path), self._place(parts[:-1]) as place:
            old = self._old(place, name)
            if old is not None and not overwrite:
                raise FileExistsError
            fd = place.create_file(draft, 0o666)
            try:
                with os.fdopen(fd, "wb") as file:
                    if old is not None and hasattr(os, "fchmod"):
                        os.fchmod(file.fileno(), stat.S_IMODE(old.st_mode) & 0o777)
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                if old is not None:
                    self._keep(place, name)
                    place.replace(draft, place, name)
                else:
                    place.move_to(draft, place, name)
            except BaseException:
                with contextlib.suppress(OSError):
                    place.remove_file(draft)
                raise

    def make_folder(self, path: str) -> None:
        """A folder in one that is there."""
        parts = self._file_parts(path)
        with told(path), self._place(parts[:-1]) as place:
            place.create_folder(parts[-1])

    def move(self, path: str, to: str) -> None:
        """A file or folder to a name that is not there."""
        parts, target = self._file_parts(path), self._file_parts(to)
        if target[: len(parts)] == parts:
            raise ValidationFailed.of("to", "path", "a folder can't be moved into itself")
        with told(path), self._place(parts[:-1]) as place:
            self._check_movable(place, parts[-1])
            with told(to), self._place(target[:-1]) as other:
                place.move_to(parts[-1], other, target[-1])

    def delete(self, path: str) -> str:
        """Into the trash of the folder. Returns its name there."""
        parts = self._file_parts(path)
        with told(path), self._place(parts[:-1]) as place:
            self._check_movable(place, parts[-1])
            with self._trash() as trash:
                name = _name_in_trash(parts[-1])
                place.replace(parts[-1], trash, name)
                return name

    # Parts

    def _parts(self, path: str) -> Parts:
        return parsed(path, hidden=self._hidden)

    def _file_parts(self, path: str) -> Parts:
        parts = self._parts(path)
        if not parts:
            raise ValidationFailed.of("path", "path", "the folder itself stays as it is; name something in it")
        return parts

    @contextlib.contextmanager
    def _place(self, parts: Parts) -> Iterator[Place]:
        if self._wrong() is not None:
            # Since it was looked at, something was put in its place.
            raise Forbidden("This folder is not for clients; its settings have to be changed.", code="folder")
        place = Place.root(self._root, descriptors=self._descriptors)
        try:
            self._check_private(place)
            for part in parts:
                inner = place.child(part)
                place.close()
                place = inner
                self._check_private(place)
            yield place
        finally:
            place.close()

    def _check_private(self, place: Place) -> None:
        with contextlib.suppress(FileNotFoundError):
            own = os.stat(self._private)
            if place.identity() == (own.st_dev, own.st_ino):
                raise Forbidden("GridBear's own data is not for clients.", code="private")

    def _check_movable(self, place: Place, name: str) -> None:
        info = place.stat(name)
        if kind_of(info) not in ("file", "folder"):
            raise wrong_kind(name, info, "file")
        for above in (self._private, *self._private.parents):
            with contextlib.suppress(OSError):
                if os.path.samestat(os.stat(above), info):
                    raise Forbidden(f"{name!r} holds GridBear's own data and stays where it is.", code="private")

    def _entries(self, place: Place) -> tuple[list[dict[str, Any]], int]:
        found, left_out = [], 0
        for number, name in enumerate(place.names()):
            if number >= MOST_NAMES:
                raise Conflict(f"More than {MOST_NAMES} names are in this folder.", code="too_many_names")
            try:
                info = place.stat(name)
            except FileNotFoundError:
                continue
            kind = kind_of(info)
            if kind not in ("file", "folder") or not is_shown(name, hidden=self._hidden):
                left_out += 1
                continue
            changed = datetime.fromtimestamp(max(0, min(info.st_mtime, 253_402_300_799)), UTC)
            entry: dict[str, Any] = {"name": name, "kind": kind, "changed": changed.isoformat(timespec="seconds")}
            found.append({**entry, "size": info.st_size} if kind == "file" else entry)
        return sorted(found, key=lambda it: (it["kind"] == "file", it["name"].casefold(), it["name"])), left_out

    def _walk(self, place: Place, parts: Parts) -> Iterator[tuple[str, dict[str, Any], Place]]:
        for entry in self._entries(place)[0]:
            below = (*parts, entry["name"])
            yield "/".join(below), entry, place
            if entry["kind"] == "folder" and len(below) < MOST_DEEP:
                # One that is gone by now, or not ours to read, is left out.
                with contextlib.suppress(OSError, Forbidden, Conflict), place.child(entry["name"]) as inner:
                    self._check_private(inner)
                    yield from self._walk(inner, below)

    def _old(self, place: Place, name: str) -> os.stat_result | None:
        try:
            info = place.stat(name)
        except FileNotFoundError:
            return None
        if kind_of(info) != "file":
            raise wrong_kind(name, info, "file")
        return info

    def _keep(self, place: Place, name: str) -> None:
        with self._trash() as trash:
            kept = _name_in_trash(name)
            try:
                place.link_to(name, trash, kept)
            except OSError:
                # No second names on this file system.
                place.replace(name, trash, kept)

    @contextlib.contextmanager
    def _trash(self) -> Iterator[Place]:
        with Place.root(self._root, descriptors=self._descriptors) as root:
            with contextlib.suppress(FileExistsError):
                root.create_folder(TRASH)
            with root.child(TRASH) as trash:
                yield trash


def _name_in_trash(name: str) -> str:
    stamp = f"{datetime.now(UTC):%Y%m%d-%H%M%S} {secrets.token_hex(4)} "
    return stamp + name.encode()[: 255 - len(stamp)].decode(errors="ignore")
