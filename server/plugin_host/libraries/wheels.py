"""Wheels: what is in them is looked at before anything is unpacked, and nothing of them runs at a start of Python."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path, PurePosixPath

from server.errors import ValidationFailed

MAX_BYTES = 1 << 30
RUN_AT_START = frozenset(("sitecustomize", "usercustomize"))
_READ_BYTES = 1 << 20


class BadWheel(ValidationFailed):
    """A wheel that is not taken in."""

    code = "bad_library"


def sha256_of(path: Path) -> str:
    """Of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def name_and_version(path: Path) -> tuple[str, str]:
    """Of a wheel, by its file name. Raises BadWheel."""
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename  # most servers never fetch a library

    try:
        name, version, _, _ = parse_wheel_filename(path.name)
    except InvalidWheelFilename as error:
        raise BadWheel(f"{path.name}: {error}") from None
    return str(name), str(version)


def unpack(wheel: Path, folder: Path) -> None:
    """Put the modules of a wheel into `folder`; scripts and data are left out. Raises BadWheel."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            places = _places(wheel.name, archive)
            left = MAX_BYTES
            for info, place in places.items():
                target = folder / place
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(info) as packed, target.open("wb") as file:
                    while chunk := packed.read(_READ_BYTES):
                        left -= len(chunk)
                        if left < 0:
                            raise BadWheel(f"{wheel.name} is larger than {MAX_BYTES >> 20} MB")
                        file.write(chunk)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise BadWheel(f"{wheel.name} can't be read: {error}") from error


def _places(name: str, archive: zipfile.ZipFile) -> dict[zipfile.ZipInfo, PurePosixPath]:
    places = {}
    for info in archive.infolist():
        path = PurePosixPath(info.filename)
        if info.is_dir():
            continue
        bad = {"", ".", ".."}.intersection(info.filename.split("/"))
        if bad or path.is_absolute() or any(sign in info.orig_filename for sign in "\\:\0"):
            raise BadWheel(f"{name} has the path {info.orig_filename!r}, which leads out of its folder")
        if path.parts[0].endswith(".data"):
            if len(path.parts) < 3 or path.parts[1] not in ("purelib", "platlib"):
                continue
            path = PurePosixPath(*path.parts[2:])
        # Python runs these at every start where the folder is a site folder. It never is one here; a library that
        # tries is none to trust.
        if len(path.parts) == 1 and path.suffix == ".pth" or path.parts[0].partition(".")[0] in RUN_AT_START:
            raise BadWheel(f"{name} has {path}, which would run at every start of Python; it is refused")
        places[info] = path
    return places
