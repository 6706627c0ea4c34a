"""The PATH of a person's login shell, where their version managers have put themselves."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

READ_SECONDS = 5.0
_GRACE_SECONDS, _LOOK_SECONDS, _TELL_TURNS = 2.0, 0.02, 20
_MOST_BYTES = 1 << 20
_QUIET = {"TERM": "dumb", "DISABLE_AUTO_UPDATE": "true", "ZSH_TMUX_AUTOSTART": "false", "HISTFILE": os.devnull}
"""So that start files neither ask for an update nor start another program."""


async def login_shell_path(
    environ: Mapping[str, str], shell: str | None = None, seconds: float = READ_SECONDS
) -> list[str]:
    """The folders of the PATH that the person's shell has after its start files; none when it can't be asked.

    `environ` is what the shell begins with. The shell is ended after `seconds`, with all it started: as when its
    terminal closes, and only what stays for two seconds more by force.
    """
    shell = shell or user_shell(environ)
    if shell is None:
        return []
    # The mark separates the answer from whatever the start files print.
    mark = secrets.token_hex(8)
    script = f"printf '%s' {mark}; /usr/bin/env printenv PATH; printf '%s' {mark}"
    options = ("-ic",) if Path(shell).name in ("csh", "tcsh") else ("-ilc",)
    try:
        process = await asyncio.create_subprocess_exec(
            shell,
            *options,
            script,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**environ, **_QUIET, "SHELL": shell},
            cwd=environ.get("HOME") or "/",
            start_new_session=True,
        )
    except (OSError, ValueError):
        return []
    text = ""
    try:
        async with asyncio.timeout(seconds):
            text = await _answer(process, mark)
    except TimeoutError:
        pass
    finally:
        await _end(process)
    return [folder for folder in text.strip().split(os.pathsep) if os.path.isabs(folder)]


def user_shell(environ: Mapping[str, str]) -> str | None:
    """The shell of the person who runs this program; None where there is none that could be asked."""
    if sys.platform == "win32":
        return None
    import pwd

    shell = environ.get("SHELL") or ""
    if not shell:
        with contextlib.suppress(KeyError):
            shell = pwd.getpwuid(os.getuid()).pw_shell
    usable = shell and Path(shell).name not in ("nologin", "false", "true", "sync") and os.access(shell, os.X_OK)
    return shell if usable else None


async def _end(process: asyncio.subprocess.Process) -> None:
    """Also what the start files left running; nothing of it is wanted.

    `pyenv init` runs `pyenv rehash`, which frees its lock when it is told to end. Killed, it leaves the lock, and from
    then on every shell of this person takes a minute to start.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        for turn in range(int(_GRACE_SECONDS / _LOOK_SECONDS)):
            # In turn: an interactive shell lives through the first, what nohup started through the second. One at a
            # time: a script that tidies up after the first is ended by another one that follows at once.
            told, rest = divmod(turn, _TELL_TURNS)
            if rest == 0:
                os.killpg(process.pid, (signal.SIGTERM, signal.SIGHUP)[told % 2])
            await asyncio.sleep(_LOOK_SECONDS)
            os.killpg(process.pid, 0)
        os.killpg(process.pid, signal.SIGKILL)
    transport = getattr(process, "_transport", None)
    if transport is not None:
        transport.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1.0):
            await process.wait()


async def _answer(process: asyncio.subprocess.Process, mark: str) -> str:
    assert process.stdout is not None
    seen = b""
    while len(seen) < _MOST_BYTES and seen.count(mark.encode()) < 2:
        chunk = await process.stdout.read(65536)
        if not chunk:
            break
        seen += chunk
    parts = seen.decode("utf-8", "replace").split(mark)
    return parts[1] if len(parts) > 2 else ""
