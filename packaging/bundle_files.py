"""What a bundle is handed out as: an archive that is the same for the same files, and its sum."""

from __future__ import annotations

import hashlib
import lzma
import os
import subprocess
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_PRESET = 6
_CHUNK = 1 << 20


def moment() -> int:
    """The time that a build carries, in seconds: `SOURCE_DATE_EPOCH`, else that of the last commit."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    asked = ["git", "log", "-1", "--format=%ct"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    # A checkout without its history: a fixed moment, which zip files can hold.
    return int(done.stdout) if done.returncode == 0 and done.stdout.strip() else 315532800


def pack(folder: Path, target: Path, when: int) -> Path:
    """`folder` as a .tar.xz: sorted, of nobody, with one time. Returns `target`."""

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        entry.mtime = when
        entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
        return entry

    with lzma.open(target, "wb", preset=_PRESET) as stream, tarfile.open(fileobj=stream, mode="w") as archive:
        for path in [folder, *sorted(folder.rglob("*"))]:
            archive.add(path, str(path.relative_to(folder.parent)), recursive=False, filter=plain)
    return target


def sha256(path: Path) -> str:
    """The sum of a file, in hexadecimal."""
    total = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            total.update(chunk)
    return total.hexdigest()


def write_sum(path: Path) -> Path:
    """Put `NAME.sha256` beside `path`, in the form that `sha256sum --check` reads. Returns its path."""
    beside = path.with_name(f"{path.name}.sha256")
    beside.write_text(f"{sha256(path)}  {path.name}\n", "utf-8", newline="\n")
    return beside


def megabytes(path: Path) -> float:
    """Size of a file, or of all files below a folder; links count nothing. In millions of bytes."""
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file() and not one.is_symlink()]
    return sum(file.stat().st_size for file in files) / 1e6
