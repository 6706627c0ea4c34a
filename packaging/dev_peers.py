"""Programs of others that tests and benchmarks meet: each in a place of its own under .dev/peers, from a lock file."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from dev_venv import ROOT, say

LOCKS = ROOT / "packaging" / "peers"
PLACES = ROOT / ".dev" / "peers"
NPM = "npm"
"""The peers from npm, Node 22 among them."""
_NPM_FILES = ("package.json", "package-lock.json", ".npmrc")


def install(*names: str) -> None:
    """Bring the peers up to their locks. One that can't be installed is named; what needs it is left out then."""
    for name in names:
        place = PLACES / name
        stamp = place / "gridbear-stamp"
        wanted = _hash(name)
        if stamp.is_file() and stamp.read_text("utf-8") == wanted:
            continue
        say(f"Installing peers of the MCP gateway: {name}.")
        shutil.rmtree(place, ignore_errors=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        if _npm(place) if name == NPM else _python(name, place):
            stamp.write_text(wanted, "utf-8")
        else:
            say(f"The peers {name} could not be installed: what needs them is skipped.")


def lock_file(name: str) -> Path:
    """The lock of a peer."""
    return LOCKS / ("package-lock.json" if name == NPM else f"{name}.lock")


def _hash(name: str) -> str:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    # Without the first line: it changes whenever our own dependencies do.
    content = lock_file(name).read_bytes().partition(b"\n")[2]
    return f"{hashlib.sha256(content).hexdigest()} {version}"


def _python(name: str, place: Path) -> bool:
    if subprocess.call([sys.executable, "-m", "venv", str(place)]):
        return False
    program = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    # The lock holds all there is, so pip need not look for what a package wants.
    pip = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--quiet", "--require-hashes"]
    return subprocess.call([str(program), *pip, "--no-deps", "-r", str(lock_file(name))]) == 0


def _npm(place: Path) -> bool:
    npm = shutil.which("npm")
    if npm is None:
        say("There is no npm on the PATH.")
        return False
    place.mkdir()
    for name in _NPM_FILES:
        shutil.copy(LOCKS / name, place / name)
    return subprocess.call([npm, "ci", "--silent"], cwd=place) == 0
