"""A child process with its own process group: started, watched, and ended with everything it started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from server.mcp_gateway.upstreams.death_signal import dies_with_us
from server.mcp_gateway.upstreams.line_reader import BUFFER_BYTES
from server.mcp_gateway.upstreams.process_guardian import Guardian

if sys.platform == "win32":
    from server.mcp_gateway.upstreams.windows_job import Job

STDERR_LINES = 50
STDERR_LINE_LENGTH = 2000
STDOUT_NOISE = "stdout: "
"""Before lines among those of stderr that came on stdout and are no MCP."""
_STDIN_GRACE_SECONDS = 0.4
_TERM_GRACE_SECONDS = 0.4

_SAFE_ENVIRONMENT = (
    ("APPDATA", "COMSPEC", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "PATH", "PATHEXT", "PROGRAMDATA", "PROGRAMFILES",
     "SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "TMP", "USERNAME", "USERPROFILE")
    if sys.platform == "win32"
    else ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER",
          "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR")
)  # fmt: skip


def child_environment(configured: Mapping[str, str], base: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a child: a few harmless variables of ours, and what is configured. No secret of ours."""
    source = os.environ if base is None else base
    # A value that begins like a shell function is how a shell was once made to run code (Shellshock).
    safe = {key: source[key] for key in _SAFE_ENVIRONMENT if key in source and not source[key].startswith("()")}
    return safe | dict(configured)


class _Pipes(asyncio.subprocess.SubprocessStreamProtocol):
    """The streams of a child; what comes on its stdout can be looked at first."""

    first_look: Callable[[bytes], bytes] | None = None

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        if fd == 1 and self.first_look is not None and isinstance(data, bytes):
            data = self.first_look(data)
        if data:
            super().pipe_data_received(fd, data)


class ChildProcess:
    """One running child. `stderr` is the tail of what it wrote there, at most `STDERR_LINES` lines."""

    def __init__(
        self,
        transport: asyncio.SubprocessTransport,
        pipes: _Pipes,
        stderr: deque[str],
        guardian: Guardian | None,
    ) -> None:
        process = asyncio.subprocess.Process(transport, pipes, asyncio.get_running_loop())
        self._process, self._transport, self._pipes = process, transport, pipes
        self._guardian = guardian
        self.stderr = stderr
        if sys.platform == "win32":
            self._job = Job(process.pid)
        self._drain = asyncio.create_task(self._keep_stderr(), name=f"stderr of {process.pid}")

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str | None,
        stderr: deque[str],
        guardian: Guardian | None,
    ) -> ChildProcess:
        """Start `command` in a session of its own. Raises OSError or ValueError when that can't be done."""
        command = [*await asyncio.to_thread(dies_with_us), *command]
        options: dict[str, Any] = (
            {"creationflags": 0x00000200} if sys.platform == "win32" else {"start_new_session": True}
        )
        loop = asyncio.get_running_loop()
        transport, pipes = await loop.subprocess_exec(
            lambda: _Pipes(BUFFER_BYTES, loop),
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(env),
            cwd=cwd,
            **options,
        )
        if guardian is not None:
            guardian.watch(transport.get_pid())
        return cls(transport, pipes, stderr, guardian)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.returncode

    @property
    def stdin(self) -> asyncio.StreamWriter:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def stdout(self) -> asyncio.StreamReader:
        assert self._process.stdout is not None
        return self._process.stdout

    @property
    def first_look(self) -> Callable[[bytes], bytes] | None:
        """Is shown what comes on stdout, and returns what of it goes on to the stream."""
        return self._pipes.first_look

    @first_look.setter
    def first_look(self, look: Callable[[bytes], bytes] | None) -> None:
        self._pipes.first_look = look

    async def stop(self) -> None:
        """End the child and all it started, within about a second: close stdin, wait, SIGTERM, wait, SIGKILL."""
        with contextlib.suppress(OSError):
            self.stdin.close()
        if not await self.ended_within(_STDIN_GRACE_SECONDS):
            self._signal_group(signal.SIGTERM)
            await self.ended_within(_TERM_GRACE_SECONDS)
        # Also when the child itself has gone: what it started may still run in its group.
        self._signal_group(getattr(signal, "SIGKILL", signal.SIGTERM))
        if sys.platform == "win32":
            self._job.end()
        await self.ended_within(_TERM_GRACE_SECONDS)
        if self._guardian is not None:
            self._guardian.forget(self.pid)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.1):
                await asyncio.shield(self._drain)
        self._drain.cancel()
        await asyncio.gather(self._drain, return_exceptions=True)
        # A descendant that left the group may hold our pipes open; closing the transport frees our ends.
        with contextlib.suppress(OSError):
            self._transport.close()

    async def ended_within(self, seconds: float) -> bool:
        # Not `wait()`: it also waits until every holder of the pipes has gone.
        deadline = asyncio.get_running_loop().time() + seconds
        while self._process.returncode is None:
            if asyncio.get_running_loop().time() >= deadline:
                return False
            await asyncio.sleep(0.01)
        return True

    def _signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self._process.pid, number)

    async def _keep_stderr(self) -> None:
        stream = self._process.stderr
        assert stream is not None
        rest = b""
        while chunk := await stream.read(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines[-STDERR_LINES:]:
                self._keep_line(line)
            rest = rest[-4 * STDERR_LINE_LENGTH :]
        if rest:
            self._keep_line(rest)

    def _keep_line(self, line: bytes) -> None:
        self.stderr.append(line.decode("utf-8", "replace").rstrip("\r")[:STDERR_LINE_LENGTH])
