"""Whether the versions in assets/known_servers.toml are to be had, and which are behind: asks npm and pip."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parent.parent / "assets" / "known_servers.toml"
_SECONDS = 60


def main(names: list[str]) -> int:
    """Check the named servers, or all. 1 when a version is not to be had, or nothing could be asked."""
    servers = tomllib.loads(FILE.read_text("utf-8"))["servers"]
    unknown = set(names) - {one["name"] for one in servers}
    if unknown:
        print(f"There is no {', '.join(sorted(unknown))} in {FILE.name}.", file=sys.stderr)
        return 1
    failed = 0
    for one in servers:
        if "package" not in one or (names and one["name"] not in names):
            continue
        versions = _npm(one["package"]) if one["registry"] == "npm" else _pypi(one["package"])
        if one["version"] not in versions:
            failed += 1
            print(f"{one['name']}: {one['package']} {one['version']} is not to be had")
        elif versions[0] != one["version"]:
            print(f"{one['name']}: {one['package']} {one['version']}; the newest is {versions[0]}")
        else:
            print(f"{one['name']}: {one['package']} {one['version']}")
    return 1 if failed else 0


def _npm(package: str) -> list[str]:
    """All versions of a package, the one that `latest` means first."""
    told = _told(["npm", "view", package, "versions", "dist-tags", "--json"])
    try:
        found: dict[str, Any] = json.loads(told)
    except ValueError:
        return []
    versions = found.get("versions") or []
    versions = [versions] if isinstance(versions, str) else versions
    return [found.get("dist-tags", {}).get("latest", ""), *versions]


def _pypi(package: str) -> list[str]:
    # A package may want a newer Python than this one; uvx fetches it.
    told = _told([sys.executable, "-m", "pip", "index", "versions", "--pre", "--ignore-requires-python", package])
    found = re.search(r"^Available versions: (.+)$", told, re.MULTILINE)
    return found[1].split(", ") if found else []


def _told(command: list[str]) -> str:
    program = shutil.which(command[0])
    if program is None:
        return ""
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                [program, *command[1:]], capture_output=True, timeout=_SECONDS, cwd=folder, check=False
            )
        except subprocess.TimeoutExpired:
            return ""
    return done.stdout.decode("utf-8", "replace")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
