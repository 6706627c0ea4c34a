"""Which exact version of a package it is: the one that its installer has fetched already, else what it names newest."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from server.errors import NotFound
from server.mcp_gateway.importing.packages import EXACT_NPM, EXACT_PYPI, Package
from server.mcp_gateway.upstreams.child_process import child_environment
from server.mcp_gateway.upstreams.programs import Programs

_LOOK_UP_SECONDS = 20.0
_AT_ONCE = 4
_DIST_INFO = re.compile(r"(?P<name>[a-z0-9_.]+)-(?P<version>[^-/]+)\.dist-info", re.IGNORECASE)


def fetched_version(package: Package, home: Path, environ: Mapping[str, str]) -> str | None:
    """The version that was fetched last, from the installer's cache on this disk. Nothing is started or asked."""
    if package.registry == "npm":
        folder = _npm_cache(home, environ) / "_npx"
        found = [
            (manifest, _npm_version(manifest))
            for manifest in _glob(folder, f"*/node_modules/{package.name}/package.json")
        ]
    elif package.registry == "pypi":
        name = re.sub(r"[-_.]+", "_", package.name).lower()
        # The environments of `uvx`, and wheels that it has unpacked.
        folder = _uv_cache(home, environ) / "archive-v0"
        patterns = (f"*/lib/python*/site-packages/{name}-*.dist-info", f"*/{name}-*.dist-info")
        found = [(place, _wheel_version(place, name)) for pattern in patterns for place in _glob(folder, pattern)]
    else:
        return None
    known = [(_age(place), version) for place, version in found if version is not None]
    return max(known)[1] if known else None


class Registries:
    """Asks npm and uv as the person has set them up, with their registries, proxies and sign-ins."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def newest(self, packages: Iterable[Package]) -> dict[tuple[str, str], str]:
        """The newest version by registry and name; what can't be told is left out. The only thing that leaves."""
        wanted = {(one.registry, one.name): one for one in packages if one.may_be_pinned}
        versions = await asyncio.gather(*(self._newest(one) for one in wanted.values()))
        return {key: version for key, version in zip(wanted, versions, strict=True) if version is not None}

    async def _newest(self, package: Package) -> str | None:
        npm = package.registry == "npm"
        words = ["view", package.name, "dist-tags.latest", "--json"] if npm else ["pip", "compile", "--no-deps"]
        words += [] if npm else ["--only-binary", ":all:", "--no-header", "--no-annotate", "-q", "-"]
        async with self._turn:
            try:
                program = await self._programs.find("npm" if npm else "uv")
            except NotFound:
                return None
            command = [program.found_at, *words]
            told = await asyncio.to_thread(_output, command, program.path, "" if npm else f"{package.name}\n")
        return _npm_answer(told) if npm else _uv_answer(told)


def _output(command: list[str], path: str, stdin: str) -> str:
    # In an empty folder: no .npmrc, package.json or uv.toml of some project has a say.
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                command,
                input=stdin.encode(),
                capture_output=True,
                timeout=_LOOK_UP_SECONDS,
                cwd=folder,
                env={**child_environment({}, os.environ), "PATH": path},
                check=False,
            )
        except (OSError, subprocess.SubprocessError):
            return ""
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""


def _npm_answer(told: str) -> str | None:
    try:
        version = json.loads(told)
    except ValueError:
        return None
    return version if isinstance(version, str) and EXACT_NPM.fullmatch(version) else None


def _uv_answer(told: str) -> str | None:
    found = re.search(r"^[A-Za-z0-9._-]+==(\S+)", told, re.MULTILINE)
    return found[1] if found and EXACT_PYPI.fullmatch(found[1]) else None


def _npm_cache(home: Path, environ: Mapping[str, str]) -> Path:
    own = environ.get("npm_config_cache") or environ.get("NPM_CONFIG_CACHE")
    if own:
        return Path(own)
    if sys.platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "npm-cache"
    return home / ".npm"


def _uv_cache(home: Path, environ: Mapping[str, str]) -> Path:
    own = environ.get("UV_CACHE_DIR")
    if own:
        return Path(own)
    if sys.platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "uv" / "cache"
    return Path(environ.get("XDG_CACHE_HOME") or home / ".cache") / "uv"


def _glob(folder: Path, pattern: str) -> list[Path]:
    try:
        return list(folder.glob(pattern))
    except OSError:
        return []


def _age(place: Path) -> float:
    try:
        return place.stat().st_mtime
    except OSError:
        return 0.0


def _npm_version(manifest: Path) -> str | None:
    try:
        found = json.loads(manifest.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    version = found.get("version") if isinstance(found, dict) else None
    return version if isinstance(version, str) and EXACT_NPM.fullmatch(version) else None


def _wheel_version(place: Path, name: str) -> str | None:
    found = _DIST_INFO.fullmatch(place.name)
    same = found is not None and found["name"].lower() == name
    return found["version"] if found and same and EXACT_PYPI.fullmatch(found["version"]) else None
