"""pip, in a process of its own: it tells what is needed, and fetches wheels of known hashes. It installs nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from server.errors import UpstreamFailed
from server.this_computer import is_bundle, program

SECONDS = 600.0
INSIDE = "pip-inside"
_TOLD_LINES = 8
_COMMON = ("--only-binary=:all:", "--no-input", "--disable-pip-version-check")


@dataclass(frozen=True, slots=True)
class Pinned:
    """One library that is needed."""

    name: str
    version: str
    sha256: str

    @property
    def line(self) -> str:
        """As a line of requirements."""
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"


def resolve(requirements: Collection[str], fixed: Mapping[str, str], place: Path) -> list[Pinned]:
    """What is needed beside what the program has, each with its hash. `fixed` versions stay as they are.

    Raises UpstreamFailed with what pip says.
    """
    from packaging.utils import canonicalize_name  # most servers never fetch a library

    report = place / "report.json"
    lines = [f"{name}=={version}" for name, version in sorted(fixed.items())]
    words = ["--constraint", _lines(place / "constraints.txt", lines)]
    words += ["--requirement", _lines(place / "requirements.txt", list(requirements))]
    _pip(place, "install", "--dry-run", f"--report={report}", *_COMMON, *words)
    found = []
    for one in json.loads(report.read_text("utf-8"))["install"]:
        hashes = one["download_info"].get("archive_info", {}).get("hashes", {})
        if "sha256" not in hashes:
            raise UpstreamFailed(f"{one['metadata']['name']} comes without a SHA-256 hash and is not taken")
        name = canonicalize_name(one["metadata"]["name"])
        found.append(Pinned(name, one["metadata"]["version"], hashes["sha256"]))
    return sorted(found, key=lambda pinned: pinned.name)


def fetch(pinned: Collection[Pinned], place: Path) -> list[Path]:
    """The wheels, each with the hash that it has to have."""
    if not pinned:
        return []
    wheels = place / "wheels"
    pinned_file = _lines(place / "pinned.txt", [one.line for one in pinned])
    words = ["--no-deps", "--require-hashes", "--requirement", pinned_file, "--dest", str(wheels)]
    _pip(place, "download", *_COMMON, *words)
    return sorted(wheels.glob("*.whl"))


def _pip(place: Path, *words: str) -> None:
    # Secrets of ours are in the environment, and are none of pip's business.
    env = {name: value for name, value in os.environ.items() if not name.startswith("GRIDBEAR_")}
    command = [*program(), "plugin", INSIDE] if is_bundle() else [sys.executable, "-m", "pip"]
    try:
        done = subprocess.run(
            [*command, *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, env=env, cwd=place,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise UpstreamFailed(f"pip did not come to its end within {SECONDS:g} s") from None
    if done.returncode:
        raise UpstreamFailed(f"pip could not do it: {_reason(done.stdout, done.stderr) or done.returncode}")


def _reason(out: bytes, errors: bytes) -> str:
    # Why versions do not go together stands among what it says of its work.
    _, _, conflict = out.decode("utf-8", "replace").partition("The conflict is caused by:")
    if conflict:
        return "; ".join(line.strip() for line in conflict.partition("To fix this")[0].splitlines() if line.strip())
    lines = errors.decode("utf-8", "replace").splitlines()
    return " ".join(line.removeprefix("ERROR: ") for line in lines[-_TOLD_LINES:] if line.strip())


def _lines(path: Path, lines: Collection[str]) -> str:
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return str(path)
