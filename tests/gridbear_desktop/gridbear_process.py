"""Real `gridbear` processes, each in a data folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gridbear_desktop import crash_report
from server.cli.reach import run_operation

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0
CLEARED = ("DISPLAY", "WAYLAND_DISPLAY", "GRIDBEAR_HOST", "GRIDBEAR_PORT", "GRIDBEAR_DATA_DIR", "GRIDBEAR_BASE_PATH")


def wait_for(condition: Callable[[], Any], what: str, seconds: float = START_SECONDS) -> Any:
    """The first true value of `condition`; AssertionError naming `what` when it stays false."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.02)
    return value


def run_info(data_dir: Path) -> dict[str, Any] | None:
    """run/server.json of a server that answers, else None."""
    try:
        info: dict[str, Any] = json.loads((data_dir / "run" / "server.json").read_text("utf-8"))
        with urllib.request.urlopen(f"{info['url']}/healthz", timeout=2) as reply:
            return info if reply.status == 200 else None
    except (OSError, ValueError, urllib.error.URLError):
        return None


class Gridbear:
    """Starts `gridbear` processes on one data folder and ends those that are left."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.env = {key: value for key, value in os.environ.items() if key not in CLEARED}
        # A window that is killed is followed by the browser, which is not to open on whoever runs the tests.
        self.env["BROWSER"] = "true %s"
        self.started: list[subprocess.Popen[str]] = []

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "gridbear_desktop", *arguments]

    def popen(self, command: list[str], **options: Any) -> subprocess.Popen[str]:
        streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(command, cwd=ROOT, env=self.env, text=True, **{**streams, **options})
        self.started.append(process)
        return process

    def serve(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """`gridbear serve` on the data folder, started and not waited for."""
        return self.popen(self.command("serve", "--data-dir", str(self.data_dir), *arguments), **options)

    def ready(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        """Wait until `process` serves; returns its run file."""

        def answered() -> dict[str, Any] | None:
            if process.poll() is not None:
                raise AssertionError(f"the server ended with {process.returncode}: {process.communicate()}")
            info = run_info(self.data_dir)
            return info if info and info["pid"] == process.pid else None

        info: dict[str, Any] = wait_for(answered, "an answering server")
        return info

    def refused(self, *arguments: str) -> str:
        """Run `gridbear serve`, which must end with exit code 2 and one line on stderr. Returns that line."""
        process = self.serve(*arguments)
        out, err = process.communicate(timeout=START_SECONDS)
        assert process.returncode == 2, (process.returncode, out, err)
        assert len(err.splitlines()) == 1 and err.startswith("gridbear: "), err
        report = self.data_dir / "logs" / crash_report.FILE_NAME
        assert not report.is_file() or f"=== {process.pid} " not in report.read_text("utf-8"), "it is no crash"
        return err

    def cli(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        env = {**self.env, "GRIDBEAR_DATA_DIR": str(self.data_dir)}
        return subprocess.run(
            self.command(*arguments), cwd=ROOT, env=env, input=stdin, capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip

    def create_user(self, name: str, password: str = "a calm bear in a den", role: str = "admin") -> None:
        """What `gridbear user create` does, without a process that starts for it."""
        run_operation("user-create", {"username": name, "password": password, "role": role}, self.data_dir)

    def said(self) -> list[tuple[str, str]]:
        """The end of each log, and what each process has written; ends them."""
        logs = sorted((self.data_dir / "logs").glob("*.log"))
        told = [(path.name, path.read_text("utf-8", "replace")[-4000:]) for path in logs]
        for process in self.started:
            if process.poll() is None:
                process.kill()
            for name, stream in (("stdout", process.stdout), ("stderr", process.stderr)):
                if stream is not None and not stream.closed and (text := stream.read()):
                    told.append((f"{name} of {process.args}", text[-4000:]))
        return told

    def end(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
