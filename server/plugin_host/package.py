"""A plugin on its way: unpacked from a zip or copied from a folder into a place of its own, and packed again."""

from __future__ import annotations

import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from server.errors import NotFound, ValidationFailed
from server.plugin_host.content_hash import IGNORED, MAX_FILES, content_hash, plugin_files
from server.plugin_host.manifest import MANIFEST_FILE, CheckedManifest, check_id, read_manifest

MAX_BYTES = 100 * 1024 * 1024
"""What all files of a plugin may have together."""
MAX_PATH = 200
_READ_BYTES = 1 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)


class NoPlugin(ValidationFailed):
    """What was given can't become a plugin; the message says what was found and what is wanted."""

    code = "bad_package"


@dataclass(frozen=True, slots=True)
class Staged:
    """A checked plugin folder in a place of its own. None of its code has run."""

    folder: Path
    checked: CheckedManifest
    content_hash: str
    files: int
    bytes: int
    commit: str | None = None
    """The commit that a git folder was at."""

    @property
    def id(self) -> str:
        return self.folder.name


def stage(source: Path, place: Path, name: str | None = None) -> Staged:
    """Take the plugin at `source`, a folder, a git working copy or a zip, into the empty folder `place`.

    `name` is its id where the files lie at the top of a zip. Raises NoPlugin, ManifestError, NotFound.
    """
    if source.is_dir():
        folder = place / source.resolve().name
        _copy(source, folder)
    elif source.is_file():
        folder = _unpack(source, place, name or source.stem)
    else:
        raise NotFound(f"There is no folder and no zip {source}.")
    check_id(folder.name)
    checked = read_manifest(folder)
    files = plugin_files(folder)
    size = sum(file.stat().st_size for file in files)
    return Staged(folder, checked, content_hash(folder), len(files), size, _commit(source))


def pack(folder: Path, target: Path) -> str:
    """Write the plugin in `folder` to the zip `target`, the same bytes for the same files. Returns its content hash."""
    check_id(folder.name)
    read_manifest(folder)
    _refuse_links(folder)
    write_zip(folder, target)
    return content_hash(folder)


def write_zip(folder: Path, target: Path) -> None:
    """Write the files of a plugin's folder to a zip, whatever state they are in."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in plugin_files(folder):
            info = zipfile.ZipInfo(f"{folder.name}/{file.relative_to(folder).as_posix()}", _EPOCH)
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, file.read_bytes())


def _copy(source: Path, folder: Path) -> None:
    if not (source / MANIFEST_FILE).is_file():
        bare = (source / "HEAD").is_file() and (source / "objects").is_dir()
        hint = "; this is a bare git repository: clone it, and install the clone" if bare else ""
        raise NoPlugin(f"{source}: found no {MANIFEST_FILE}, wanted the folder of a plugin{hint}")
    _refuse_links(source)
    total = 0
    for file in plugin_files(source):
        total += file.stat().st_size
        if total > MAX_BYTES:
            raise _too_large(source)
        target = folder / file.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())


def _refuse_links(folder: Path) -> None:
    for path in folder.rglob("*"):
        relative = path.relative_to(folder)
        if IGNORED.intersection(relative.parts):
            continue
        if path.is_symlink():
            raise NoPlugin(f"{folder.name}/{relative.as_posix()}: found a link, wanted a file of its own")
        if not path.is_file() and not path.is_dir():
            raise NoPlugin(f"{folder.name}/{relative.as_posix()}: found a device or a pipe, wanted a file")


def _unpack(source: Path, place: Path, name: str) -> Path:
    try:
        with zipfile.ZipFile(source) as archive:
            entries = _checked_entries(archive)
            around = next(iter(entries)).parts[0]
            nested = all(path.parts[0] == around for path in entries)
            top = PurePosixPath(around) if nested else PurePosixPath()
            if PurePosixPath(MANIFEST_FILE) in entries:
                nested, top = False, PurePosixPath()
            if top / MANIFEST_FILE not in entries:
                raise NoPlugin(f"found no {MANIFEST_FILE} at the top of the zip nor in a single folder of it")
            # With a folder around the files it names the plugin; without one the zip does.
            folder = place / (around if nested else name)
            check_id(folder.name)
            left = MAX_BYTES
            for path, info in entries.items():
                target = folder.joinpath(*path.parts[1 if nested else 0 :])
                target.parent.mkdir(parents=True, exist_ok=True)
                left -= _write(archive, info, target, left)
            return folder
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise NoPlugin(f"the zip can't be read: {error}") from error


def _checked_entries(archive: zipfile.ZipFile) -> dict[PurePosixPath, zipfile.ZipInfo]:
    infos = [info for info in archive.infolist() if not info.is_dir()]
    if len(infos) > MAX_FILES:
        raise NoPlugin(f"the zip has {len(infos)} files, wanted at most {MAX_FILES}")
    entries: dict[PurePosixPath, zipfile.ZipInfo] = {}
    seen: set[str] = set()
    for info in infos:
        path = _safe_path(info)
        if IGNORED.intersection(path.parts) or path.parts[0] == "__MACOSX":
            continue
        # Some file systems keep no difference between capitals and small letters.
        if path.as_posix().casefold() in seen:
            raise NoPlugin(f"the zip has {path} twice")
        seen.add(path.as_posix().casefold())
        entries[path] = info
    if not entries:
        raise NoPlugin("the zip is empty")
    return entries


def _safe_path(info: zipfile.ZipInfo) -> PurePosixPath:
    shown = info.orig_filename[:MAX_PATH]
    path = PurePosixPath(info.filename)
    bad = {"", ".", ".."}.intersection(info.filename.split("/"))
    # zipfile itself cuts a name at NUL; the name as it stands in the file is what counts.
    if bad or path.is_absolute() or any(sign in info.orig_filename for sign in "\\:\0") or len(shown) >= MAX_PATH:
        raise NoPlugin(f"the zip has the path {shown!r}, wanted one inside the plugin's folder")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise NoPlugin(f"the zip has a link or a device at {shown!r}, wanted files and folders")
    if info.flag_bits & 1:
        raise NoPlugin(f"the zip has {shown!r} under a password, wanted it without")
    return path


def _write(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, left: int) -> int:
    """Counts what really comes out: the sizes in a zip are what its maker says."""
    written = 0
    with archive.open(info) as packed, target.open("xb") as file:
        while chunk := packed.read(min(_READ_BYTES, left - written + 1)):
            written += len(chunk)
            if written > left:
                raise _too_large(Path(info.filename))
            file.write(chunk)
    return written


def _too_large(path: Path) -> NoPlugin:
    return NoPlugin(f"{path}: the plugin has more than {MAX_BYTES >> 20} MB, wanted less")


def _commit(source: Path) -> str | None:
    """What HEAD of a git working copy points at, told to people only."""
    git = source / ".git"
    try:
        head = (git / "HEAD").read_text("ascii").strip()
        name = head.removeprefix("ref: ")
        if name == head:
            return head[:40]
        loose = git / name
        if loose.is_file():
            return loose.read_text("ascii").strip()[:40]
        for line in (git / "packed-refs").read_text("utf-8").splitlines():
            commit, _, ref = line.partition(" ")
            if ref == name:
                return commit[:40]
    except (OSError, ValueError):
        return None
    return None
