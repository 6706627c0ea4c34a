"""The real server as a child process, for tests that meet it the way a person does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from server.cli.running import RunningServer as Answering

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30
STOP_SECONDS = 15


class RunningServer:
    """`gridbear serve` on a free port in `data_dir`; use it as a context manager.

    url: address with base path, no trailing slash. setup_link: a fresh one. log: what it printed so far.
    cli(args): runs `gridbear args` against the same data folder.
    """

    def __init__(
        self, data_dir: Path, env: Mapping[str, str] | None = None, args: Sequence[str] = (), port: int = 0
    ) -> None:
        self.data_dir = Path(data_dir)
        self.env = {**os.environ, "PYTHONUNBUFFERED": "1", **(env or {}), "GRIDBEAR_DATA_DIR": str(self.data_dir)}
        self.program = [sys.executable, "-m", "gridbear_desktop"]
        self.args = list(args)
        self.port = port
        self.info: dict[str, Any] = {}
        self.process: subprocess.Popen[bytes] | None = None
        self.log_path = self.data_dir.parent / f"{self.data_dir.name}.log"

    def __enter__(self) -> RunningServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return str(self.info["url"])

    @property
    def control_token(self) -> str:
        return str(self.info["control_token"])

    @property
    def log(self) -> str:
        return self.log_path.read_text("utf-8", "replace") if self.log_path.exists() else ""

    @property
    def setup_link(self) -> str:
        return str(self.operation("setup-link")["url"])

    def start(self) -> None:
        """Start it and wait until it answers; AssertionError with its log if it does not."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        (self.data_dir / "run" / "server.json").unlink(missing_ok=True)
        command = [*self.program, "serve", "--port", str(self.port)]
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--data-dir", str(self.data_dir), *self.args],
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AssertionError(f"the server did not start:\n{self.log}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            self.info = json.loads((self.data_dir / "run" / "server.json").read_text("utf-8"))
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as reply:
                return bool(reply.status == 200)
        except (OSError, ValueError, urllib.error.URLError):
            return False

    def stop(self) -> int:
        """Ask it to end (SIGTERM); after 15 s kill it. Returns its exit code."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return int(self.process.returncode)

    def kill(self) -> None:
        """End it the hard way, as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def cli(self, args: Sequence[str], stdin: str = "", timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run `gridbear args` with this data folder; `stdin` is what it reads."""
        return subprocess.run(
            [*self.program, *args],
            cwd=ROOT,
            env=self.env,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def operation(self, name: str, /, **parameters: Any) -> dict[str, Any]:
        """What a command asks of the running server: the same request, without a process that starts for it."""
        door = Answering(self.url, self.control_token, str(self.info.get("certificate", "")))
        result: dict[str, Any] = door.ask(f"/_desktop/operations/{name}", json.dumps(parameters).encode())["data"]
        return result

    def create_user(self, name: str, password: str, admin: bool = False) -> None:
        self.operation("user-create", username=name, password=password, role="admin" if admin else "member")
