"""Where the programs of MCP servers are: found as a login shell would find them, however we were started ourselves."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from server.errors import NotFound
from server.mcp_gateway.upstreams.child_process import child_environment
from server.mcp_gateway.upstreams.login_shell import login_shell_path
from server.mcp_gateway.upstreams.program_folders import known_folders

_FRESH_SECONDS = 600.0
_AGAIN_SECONDS = 20.0
"""A person who has just installed what was missing waits no longer than this."""
_MOST_SHOWN = 4
_SYSTEM_FOLDERS = frozenset(("/usr/bin", "/bin", "/usr/sbin", "/sbin"))
_NODE = "Install Node.js (https://nodejs.org), which brings node, npm and npx"
_UV = "Install uv (https://docs.astral.sh/uv), which brings uv and uvx"
_PYTHON = "Install Python (https://www.python.org)"
_HOW_TO_GET = {
    "node": _NODE,
    "npm": _NODE,
    "npx": _NODE,
    "uv": _UV,
    "uvx": _UV,
    "python": _PYTHON,
    "python3": _PYTHON,
    "pipx": "Install pipx (https://pipx.pypa.io)",
    "docker": "Install Docker (https://docs.docker.com/get-docker) or Podman",
    "bun": "Install Bun (https://bun.sh)",
    "bunx": "Install Bun (https://bun.sh)",
    "deno": "Install Deno (https://deno.com)",
}
_INSTALLERS = frozenset(("npx", "uvx", "bunx", "pnpx", "pipx", "docker", "podman"))
_ALSO_INSTALLERS = (("uv", "tool"), ("uv", "run"), ("npm", "exec"), ("pnpm", "dlx"), ("yarn", "dlx"), ("deno", "run"))


@dataclass(frozen=True, slots=True)
class Program:
    """A program that was found, and the PATH that it and what it starts shall have."""

    found_at: str
    path: str


class ProgramNotFound(NotFound):
    """`message` says what is missing, and no folder of anybody; `advice` where it was looked for and what to do."""

    def __init__(self, message: str, advice: str) -> None:
        super().__init__(message, code="program_not_found")
        self.advice = advice


class Programs:
    """Finds programs. What the login shell says is remembered for ten minutes."""

    def __init__(
        self, environ: Mapping[str, str] | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._environ = os.environ if environ is None else environ
        self._clock = clock
        self._folders: tuple[str, ...] = ()
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def find(self, command: str, configured_path: str | None = None, cwd: str | None = None) -> Program:
        """The program that `command` names. Raises ProgramNotFound.

        Its own PATH, where one is configured, comes first; a command with a folder in it is taken from there.
        """
        folders = await self._searched(_FRESH_SECONDS)
        named = command.startswith("~") or PurePath(command).name != command
        if named:
            return self._named(command, configured_path, cwd, folders)
        own = tuple(part for part in (configured_path or "").split(os.pathsep) if part)
        for attempt in range(2):
            found = shutil.which(command, path=os.pathsep.join((*own, *folders)))
            if found is not None:
                return Program(found, _joined(own, (str(Path(found).parent),), folders))
            if attempt == 0:
                folders = await self._searched(_AGAIN_SECONDS)
        raise _missing(command, (*own, *folders))

    def _named(self, command: str, configured_path: str | None, cwd: str | None, folders: tuple[str, ...]) -> Program:
        place = self.expanded(command)
        if not os.path.isabs(place):
            place = os.path.join(self.expanded(cwd) if cwd else os.getcwd(), place)
        found = shutil.which(place)
        if found is None:
            name = PurePath(command).name
            reason = "is no program that may be run" if os.path.exists(place) else "is not there"
            raise ProgramNotFound(f"The program {name} was not found.", f"{place} {reason}. Mend the command.")
        own = tuple(part for part in (configured_path or "").split(os.pathsep) if part)
        return Program(found, _joined(own, (str(Path(found).parent),), folders))

    def expanded(self, place: str) -> str:
        """`place` with a leading ~ replaced by the person's home."""
        if place == "~" or place.startswith(("~/", "~\\")):
            return str(self._home()) + place[1:]
        return place

    def _home(self) -> Path:
        name = "USERPROFILE" if sys.platform == "win32" else "HOME"
        return Path(self._environ.get(name) or Path.home())

    async def _searched(self, age: float) -> tuple[str, ...]:
        """All folders, in order; asked for again when they are older than `age` seconds."""
        async with self._reading:
            if self._clock() - self._read_at >= age:
                shell = await login_shell_path(child_environment({}, self._environ))
                own = [part for part in self._environ.get("PATH", os.defpath).split(os.pathsep) if os.path.isabs(part)]
                known = await asyncio.to_thread(known_folders, self._home(), self._environ)
                # The system's own folders come last: with a version manager that is loaded at its first use, the
                # shell's PATH does not name the version yet that the person gets there.
                found = dict.fromkeys((*shell, *own, *map(str, known)))
                self._folders = tuple(sorted(found, key=lambda folder: folder in _SYSTEM_FOLDERS))
                self._read_at = self._clock()
            return self._folders


def installs(command: str, args: tuple[str, ...]) -> bool:
    """Whether the first start of this command may have to fetch the program from somewhere."""
    name = PurePath(command.replace("\\", "/")).name.removesuffix(".cmd").removesuffix(".exe")
    return name in _INSTALLERS or bool(args and (name, args[0]) in _ALSO_INSTALLERS)


def _joined(*groups: tuple[str, ...]) -> str:
    return os.pathsep.join(dict.fromkeys(folder for group in groups for folder in group))


def _missing(command: str, folders: tuple[str, ...]) -> ProgramNotFound:
    shown = ", ".join(folders[:_MOST_SHOWN]) + (
        f" and {len(folders) - _MOST_SHOWN} more folders" if len(folders) > _MOST_SHOWN else ""
    )
    name = command.removesuffix(".exe").removesuffix(".cmd")
    way = _HOW_TO_GET.get(name, f"Install {name}")
    return ProgramNotFound(
        f"The program {command} was not found.", f"Looked in {shown}. {way}, or give the whole path of the command."
    )
