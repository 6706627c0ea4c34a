"""A real server on one data folder, that tests kill, starve and start again."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

from server.cli.reach import run_operation

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30.0
PASSWORD = "a calm bear in a den"


class Victim:
    """Started and ended over and over. What it says goes to `stderr.log` beside the folder."""

    def __init__(self, data_dir: Path, **environment: str) -> None:
        self.data_dir = data_dir
        self.log = data_dir.parent / "stderr.log"
        self.env = {
            **os.environ,
            "GRIDBEAR_DATA_DIR": str(data_dir),
            "GRIDBEAR_KEY_STORE": "file",
            "GRIDBEAR_REST_RATE_PER_SECOND": "1000000",
            "GRIDBEAR_REST_RATE_BURST": "1000000",
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self._clients: list[Client] = []

    def client(self, token: str) -> Client:
        """A connection to it, for as long as it lives."""
        self._clients.append(Client(self.port, token))
        return self._clients[-1]

    def cli(self, *arguments: str, stdin: str = "") -> str:
        """What a command prints that must do its work."""
        code, said = self.told(*arguments, stdin=stdin)
        assert code == 0, said
        return said

    def told(self, *arguments: str, stdin: str = "") -> tuple[int, str]:
        """How a command ends, and what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "gridbear_desktop", *arguments],
            cwd=ROOT, env=self.env, input=stdin, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout or done.stderr

    def admin_token(self) -> str:
        """Make the first admin and a token of theirs, as the commands do, but without a process for each."""
        admin = {"username": "maja", "password": PASSWORD, "role": "admin"}
        with patch.dict(os.environ, self.env):
            run_operation("user-create", admin, self.data_dir)
            made = run_operation("token-create", {"username": "maja", "name": "tests"}, self.data_dir)
        return str(made["token"])

    def start(self, before: Callable[[], None] | None = None) -> int:
        """Start it and wait until it answers. Returns its port. `before` runs in the child first."""
        run_file = self.data_dir / "run" / "server.json"
        run_file.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gridbear_desktop", "serve", "--port", "0"],
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                preexec_fn=before,
            )
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert self.process.poll() is None, f"the server did not come back: {self.log.read_text()[-2000:]}"
            assert time.monotonic() < deadline, "the server did not come back in time"
            with contextlib.suppress(OSError, ValueError):
                self.port = int(urlsplit(json.loads(run_file.read_text("utf-8"))["url"]).port or 0)
                return self.port
            time.sleep(0.02)

    def kill(self) -> None:
        """End it without any warning."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        while self._clients:
            self._clients.pop().close()


class Client:
    """One connection of one person."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """Status and body of an answer. Raises OSError or HTTPException when the connection breaks."""
        self._connection.request(method, path, None if body is None else json.dumps(body), self._headers)
        reply = self._connection.getresponse()
        answer: dict[str, Any] = json.loads(reply.read())
        return reply.status, answer

    def close(self) -> None:
        self._connection.close()

    def create(self, model: str, **values: Any) -> tuple[int, dict[str, Any]]:
        """Make a record."""
        return self.ask("POST", f"/api/v1/{model}", values)
