"""`python packaging/bundle_compare.py FOLDER OTHER`: which files of two builds differ. Exit code 1 when any do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from bundle_files import sha256


def differences(first: Path, second: Path) -> list[str]:
    """One line for each file that only one of the folders has, or that has other bytes, rights or another target."""
    left, right = _files(first), _files(second)
    return [*_lines(left, right)]


def _lines(left: dict[str, str], right: dict[str, str]) -> Iterator[str]:
    for name in sorted(left.keys() | right.keys()):
        if name not in right:
            yield f"{name}: only in the first"
        elif name not in left:
            yield f"{name}: only in the second"
        elif left[name] != right[name]:
            yield f"{name}: differs"


def _files(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is no folder")
    return {str(path.relative_to(folder)): _content(path) for path in folder.rglob("*")
            if path.is_symlink() or path.is_file()}  # fmt: skip


def _content(path: Path) -> str:
    if path.is_symlink():
        return f"-> {path.readlink()}"
    return f"{'x' if path.stat().st_mode & 0o100 else '-'} {sha256(path)}"


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    found = differences(Path(arguments[0]), Path(arguments[1]))
    print("\n".join(found) if found else "The two are the same.")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
