"""The lock files: exact versions with hashes for every system, made by uv from pyproject.toml."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import dev_peers
from dev_venv import ROOT, lock_file, say

OWN_UV = ROOT / ".dev" / "uv"
# In this order: each is held to the versions of the one before it.
INPUTS: dict[str, list[str]] = {
    "requirements": [],
    "desktop": ["--extra=desktop", "--constraint=packaging/requirements.lock"],
    "qt": ["--extra=desktop", "--extra=qt", "--constraint=packaging/desktop.lock"],
    "dev": ["--extra=desktop", "--group=dev", "--constraint=packaging/desktop.lock"],
    "bench": ["--group=bench", "--constraint=packaging/dev.lock"],
}
# Groups that live beside ours, each in an environment of its own: nothing of ours is in their locks.
PEERS = ("fastmcp", "contextforge", "mcp1", "servers")


def write_all(arguments: list[str]) -> int:
    """Make every lock file again; `arguments` go to uv. Returns an exit code."""
    uv = _find_uv()
    wanted = {lock_file(name): ["pyproject.toml", *inputs] for name, inputs in INPUTS.items()}
    wanted |= {dev_peers.lock_file(name): [f"--group=pyproject.toml:{name}"] for name in PEERS}
    for target, inputs in wanted.items():
        say(f"Resolving {target.relative_to(ROOT)}.")
        command = [
            uv, "pip", "compile", *inputs, "--universal", "--python-version=3.11",
            "--generate-hashes", "--no-emit-index-url", "--no-header", "--no-annotate", "--quiet",
            *arguments, f"--output-file={target}",
        ]  # fmt: skip
        if subprocess.call(command, cwd=ROOT, stdout=subprocess.DEVNULL):
            return 1
        text = target.read_text("utf-8")
        target.write_text(f"{_header()}\n{text}", "utf-8", newline="\n")
    return 0


def stale() -> list[str]:
    """The lock files that were not made from pyproject.toml as it is now."""
    paths = [*(lock_file(name) for name in INPUTS), *(dev_peers.lock_file(name) for name in PEERS)]
    return [str(path.relative_to(ROOT)) for path in paths if not _starts_with_header(path)]


def _starts_with_header(path: Path) -> bool:
    return path.is_file() and path.read_text("utf-8").startswith(f"{_header()}\n")


def _header() -> str:
    return f"# Made by `python3 packaging/dev.py lock` from pyproject.toml, dependencies {_fingerprint()}"


def _fingerprint() -> str:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    parts = [
        project["project"]["requires-python"],
        project["project"]["dependencies"],
        project["project"]["optional-dependencies"],
        project["dependency-groups"],
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _find_uv() -> str:
    found = shutil.which("uv")
    if found:
        return found
    scripts = OWN_UV / ("Scripts" if os.name == "nt" else "bin")
    own = scripts / ("uv.exe" if os.name == "nt" else "uv")
    if not own.exists():
        say("Installing uv into .dev.")
        subprocess.check_call([sys.executable, "-m", "venv", str(OWN_UV)])
        subprocess.check_call([str(scripts / "python"), "-m", "pip", "install", "--quiet", "uv"])
    return str(own)
