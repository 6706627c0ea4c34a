"""The checks that need no running program: style, types, import contracts, file sizes, names of tests, lock files."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import dev_lock
from dev_venv import PYTHON, ROOT, SCRIPTS, python, say

LONGEST_FILE = 400
CHECKED_SUFFIXES = {".py", ".js", ".css"}
NOT_OURS = {"vendor", "node_modules", "dist", "build"}


def run_all() -> list[str]:
    """Run every check. Returns the names of those that failed."""
    checks: dict[str, Callable[[], bool]] = {
        "style": lambda: python("-m", "ruff", "check", "--quiet", ".") == 0,
        "format": lambda: python("-m", "ruff", "format", "--check", "--quiet", ".") == 0,
        "types": lambda: python("-m", "mypy", "--no-error-summary") == 0,
        "types of plugins": _plugin_types,
        "imports": _imports,
        "file sizes": _file_sizes,
        "names of tests": _test_names,
        "lock files": _locks,
    }
    failed = []
    for name, check in checks.items():
        say(f"Checking {name}.")
        if not check():
            failed.append(name)
    return failed


def _plugin_types() -> bool:
    # Their folders have dashes and files of the same names: as packages beside each other they are checked as they run.
    copies = ROOT / ".dev" / "plugins"
    shutil.rmtree(copies, ignore_errors=True)
    shutil.copytree(ROOT / "plugins", copies, ignore=shutil.ignore_patterns("__pycache__", "ui"))
    for folder in sorted(copies.iterdir()):
        folder.rename(folder.with_name(folder.name.replace("-", "_")))
    paths = {**os.environ, "MYPYPATH": str(copies)}
    command = [str(PYTHON), "-m", "mypy", "--no-error-summary", str(copies)]
    return subprocess.run(command, cwd=ROOT, env=paths, check=False).returncode == 0


def _imports() -> bool:
    # It has no quiet mode; its report matters only when a contract is broken.
    done = subprocess.run([str(SCRIPTS / "lint-imports")], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout + done.stderr, flush=True)
    return done.returncode == 0


def source_files() -> list[Path]:
    """The files of our own that people read and write, below the checkout's folders."""
    return sorted(
        path
        for path in ROOT.rglob("*")
        if path.suffix in CHECKED_SUFFIXES
        and not any(part in NOT_OURS or part.startswith(".") for part in path.relative_to(ROOT).parts)
    )


def _file_sizes() -> bool:
    long = [(path, lines) for path in source_files() if (lines := _lines(path)) >= LONGEST_FILE]
    for path, lines in long:
        print(f"{path.relative_to(ROOT)} has {lines} lines; a file stays below {LONGEST_FILE}.", flush=True)
    return not long


def _test_names() -> bool:
    # Two test files of one name in folders that are no packages are one module to pytest, which then runs neither.
    seen: dict[str, Path] = {}
    twice = [(path, seen[path.name]) for path in source_files()
             if path.name.startswith("test_") and seen.setdefault(path.name, path) != path]  # fmt: skip
    for path, other in twice:
        print(f"{path.relative_to(ROOT)} has the name of {other.relative_to(ROOT)}; rename one.", flush=True)
    return not twice


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def _locks() -> bool:
    stale = dev_lock.stale()
    for name in stale:
        print(f"{name} does not fit pyproject.toml: run `python3 packaging/dev.py lock`.", flush=True)
    return not stale
