"""`dev.py bundle`: the program folders under dist/, what is handed out of them, and their sums.

Started as a program of its own: `version` prints the version, `sums` writes a sum beside each file to hand out.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import bundle_deb
import dev_venv
from bundle_files import megabytes, moment, pack, write_sum
from dev_venv import ROOT, say

DIST = ROOT / "dist"
FOLDERS = {"headless": "gridbear", "desktop": "gridbear-desktop"}
"""The program folder below dist/ of each kind."""
LOCKS = {"headless": "dev", "desktop": "qt"}
GOALS = {"headless": (100, 40), "desktop": (450, 165)}
"""Millions of bytes: of the folder, of the archive."""
SYSTEMS = {"linux": "linux", "darwin": "macos", "win32": "windows"}


def main(arguments: list[str]) -> int:
    """Build what is asked for, else all that this system can. Returns an exit code."""
    parser = argparse.ArgumentParser("dev.py bundle", description=__doc__)
    for kind in FOLDERS:
        parser.add_argument(
            f"--{kind}", action="append_const", const=kind, dest="kinds", help=f"only the {kind} program"
        )
    parser.add_argument("--deb", action="store_true", help="also a Debian package of the desktop program")
    parser.add_argument("--folder-only", action="store_true", help="no archives: the program folders alone")
    options = parser.parse_args(arguments)
    kinds: list[str] = options.kinds or ["headless", "desktop"]
    if options.deb and not bundle_deb.can_build():
        parser.error("a Debian package is built on Linux, by dpkg-deb (package dpkg)")
    if options.deb and "desktop" not in kinds:
        parser.error("the Debian package is made of the desktop program: leave out --headless")
    when = moment()
    for kind in kinds:
        code = _build(kind, when)
        if code:
            return code
        handed = [] if options.folder_only else [_archive(kind, when)]
        if options.deb and kind == "desktop":
            handed.append(bundle_deb.build(DIST / FOLDERS[kind], DIST, version(), when))
        _tell(kind, handed)
    return 0


def version() -> str:
    """The program's, from its source."""
    text = (ROOT / "server" / "__init__.py").read_text("utf-8")
    found = re.search(r'__version__ = "([^"]+)"', text)
    if found is None:
        raise LookupError("server/__init__.py names no version")
    return found[1]


def archive_name(kind: str, system: str = sys.platform, machine: str = platform.machine()) -> str:
    """What the archive of a kind is called, without its ending."""
    processor = {"amd64": "x86_64", "aarch64": "arm64"}.get(machine.lower(), machine.lower())
    return f"gridbear-{kind}-{version()}-{SYSTEMS[system]}-{processor}"


def _build(kind: str, when: int) -> int:
    # The packages of both are needed: the builder is one of `dev`, the web engine one of `qt`.
    dev_venv.install("dev")
    if kind == "desktop":
        dev_venv.install("qt" if sys.platform == "linux" else "desktop")
    say(f"Building dist/{FOLDERS[kind]}; this takes about a minute.")
    # One order of everything that Python keeps in sets, one time in every file: two builds are the same.
    environment = {**os.environ, "GRIDBEAR_BUNDLE": kind, "PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": str(when)}
    command = [
        str(dev_venv.PYTHON), "-m", "PyInstaller", "--noconfirm", "--clean", "--log-level=ERROR", f"--distpath={DIST}",
        f"--workpath={ROOT / 'build' / kind}", "packaging/gridbear.spec",
    ]  # fmt: skip
    return subprocess.call(command, cwd=ROOT, env=environment)


def _archive(kind: str, when: int) -> Path:
    folder, name = DIST / FOLDERS[kind], archive_name(kind)
    system = SYSTEMS[sys.platform]
    say(f"Packing {name}.")
    if system == "linux":
        return pack(folder, DIST / f"{name}.tar.xz", when)
    if system == "macos" and kind == "desktop":
        # ditto keeps links and signatures. The disk image is made by packaging/macos/dmg.sh.
        app = DIST / "GridBear Desktop.app"
        target = DIST / f"{name}.zip"
        subprocess.check_call(["ditto", "-c", "-k", "--keepParent", str(app), str(target)])
        return target
    return Path(shutil.make_archive(str(DIST / name), "zip", DIST, FOLDERS[kind]))


def _tell(kind: str, handed: list[Path]) -> None:
    folder_goal, archive_goal = GOALS[kind]
    say(f"dist/{FOLDERS[kind]}: {megabytes(DIST / FOLDERS[kind]):.0f} MB (goal ≤ {folder_goal})")
    for path in handed:
        beside = write_sum(path)
        say(f"dist/{path.name}: {megabytes(path):.0f} MB (goal ≤ {archive_goal}); its sum is in {beside.name}")


def sums() -> list[Path]:
    """Write the sums of all files under dist/ that people download. Returns those files."""
    found = sorted(path for path in DIST.iterdir() if path.is_file() and path.suffix != ".sha256")
    for path in found:
        write_sum(path)
    return found


if __name__ == "__main__":
    if sys.argv[1:] == ["version"]:
        print(version())
    elif sys.argv[1:] == ["sums"]:
        print("\n".join(path.name for path in sums()))
    else:
        sys.exit(__doc__)
