"""The checks that need no running program: style, types, import contracts, file sizes, names of tests, lock files."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import dev_lock
from dev_venv import PYTHON, ROOT, SCRIPTS, say

LONGEST_FILE = 400
CHECKED_SUFFIXES = {".py", ".js", ".css"}
NOT_OURS = {"vendor", "node_modules", "dist", "build"}

Check = Callable[[], str]
"""Looks at the checkout and returns what is wrong, as people read it; nothing when all is well."""


class Checks:
    """All checks, beside each other and beside whatever else is done until `failed` asks for them."""

    def __init__(self) -> None:
        # The types of plugins begin with what the other types have found out of the program.
        sides: list[dict[str, Check]] = [
            {
                "types": lambda: _python("mypy", "--no-error-summary"),
                "types of plugins": _plugin_types,
            },
            {
                "style": lambda: _python("ruff", "check", "--quiet", "."),
                "format": lambda: _python("ruff", "format", "--check", "--quiet", "."),
                "imports": lambda: _complaint([str(SCRIPTS / "lint-imports")]),
                "file sizes": _file_sizes,
                "names of tests": _test_names,
                "lock files": _locks,
            },
        ]
        self._found: dict[str, Future[str]] = {}
        for side in sides:
            pool = ThreadPoolExecutor(max_workers=1)
            self._found.update({name: pool.submit(check) for name, check in side.items()})
            pool.shutdown(wait=False)
        say(f"Checking {', '.join(self._found)}.")

    def failed(self) -> list[str]:
        """Wait for the end of all checks and print what each of them found. Returns the names of those that failed."""
        wrong = {name: text for name, found in self._found.items() if (text := found.result().strip())}
        for name, text in wrong.items():
            say(f"FAILED: {name}.")
            print(text, flush=True)
        return list(wrong)


def _complaint(command: list[str], environment: dict[str, str] | None = None) -> str:
    """What a command that failed has printed; nothing when it ended well."""
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.stdout.strip() or f"It ended with {done.returncode}." if done.returncode else ""


def _python(*arguments: str) -> str:
    return _complaint([str(PYTHON), "-m", *arguments])


def _plugin_types() -> str:
    # Their folders have dashes and files of the same names: as packages beside each other they are checked as they run.
    copies = ROOT / ".dev" / "plugins"
    shutil.rmtree(copies, ignore_errors=True)
    shutil.copytree(ROOT / "plugins", copies, ignore=shutil.ignore_patterns("__pycache__", "ui"))
    for folder in sorted(copies.iterdir()):
        folder.rename(folder.with_name(folder.name.replace("-", "_")))
    command = [str(PYTHON), "-m", "mypy", "--no-error-summary", str(copies)]
    return _complaint(command, {**os.environ, "MYPYPATH": str(copies)})


def source_files() -> list[Path]:
    """The files of our own that people read and write, below the checkout's folders."""
    found = []
    for folder, below, files in os.walk(ROOT):
        below[:] = [name for name in below if name not in NOT_OURS and not name.startswith(".")]
        found += [
            Path(folder, name) for name in files if Path(name).suffix in CHECKED_SUFFIXES and not name.startswith(".")
        ]
    return sorted(found)


def _file_sizes() -> str:
    long = [(path, lines) for path in source_files() if (lines := _lines(path)) >= LONGEST_FILE]
    return "\n".join(
        f"{path.relative_to(ROOT)} has {lines} lines; a file stays below {LONGEST_FILE}." for path, lines in long
    )


def _test_names() -> str:
    # Two test files of one name in folders that are no packages are one module to pytest, which then runs neither.
    seen: dict[str, Path] = {}
    twice = [(path, seen[path.name]) for path in source_files()
             if path.name.startswith("test_") and seen.setdefault(path.name, path) != path]  # fmt: skip
    return "\n".join(
        f"{path.relative_to(ROOT)} has the name of {other.relative_to(ROOT)}; rename one." for path, other in twice
    )


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def _locks() -> str:
    return "\n".join(
        f"{name} does not fit pyproject.toml: run `python3 packaging/dev.py lock`." for name in dev_lock.stale()
    )
