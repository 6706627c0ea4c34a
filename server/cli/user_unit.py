"""The systemd user unit that runs the server without tray: written, read back, switched on and off, removed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from server.errors import Conflict, StartupError
from server.this_computer import program

NAME = "gridbear.service"
_MARK = "# Written by `gridbear service install`; `gridbear service remove` takes it away."
_SECONDS = 30
_NO_BUS = (
    "\nSign in as the person whose service it is, at the computer or by ssh: `su` and `sudo` open no session for it."
)
State = Literal["running", "failed", "stopped", "absent"]

_UNIT = """{mark}
[Unit]
Description=GridBear
After=network.target

[Service]
ExecStart={command}
Restart=on-failure
RestartSec=2
# The same settings would fail again.
RestartPreventExitStatus=2
TimeoutStopSec=15
NoNewPrivileges=true
{environment}
[Install]
WantedBy=default.target
"""


@dataclass(frozen=True, slots=True)
class UnitState:
    """How the service stands."""

    state: State
    at_login: bool
    """Whether it starts by itself."""
    lingers: bool
    """Whether it runs while nobody is signed in to this computer."""
    path: str
    data_dir: str
    """As the unit names it; "" where it is the platform's own."""


class UserUnit:
    """The unit of this person. Raises StartupError where there is no systemd for people."""

    def __init__(self) -> None:
        if sys.platform != "linux" or shutil.which("systemctl") is None:
            raise StartupError(
                "This computer has no systemd. Start `gridbear serve` by what starts programs here, or use the tray."
            )
        config = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
        self.path = Path(config).expanduser() / "systemd" / "user" / NAME

    @property
    def is_ours(self) -> bool:
        """Whether there is a unit that GridBear wrote."""
        return self.path.exists() and self.path.read_text("utf-8", "replace").startswith(_MARK)

    def install(self, data_dir: Path | None, *, replace: bool) -> UnitState:
        """Write the unit, start it, and start it at login from now on.

        Raises Conflict where somebody else wrote the file, StartupError where systemd refuses.
        """
        if self.path.exists() and not replace and not self.is_ours:
            raise Conflict(f"{self.path} was not written by GridBear. --replace writes over it, and keeps a copy.")
        # Where nobody answers, no unit is left behind that can't be started.
        self._ask("show", "--property=Version")
        if self.path.exists() and not self.is_ours:
            self.path.replace(self.path.with_suffix(".service.before-gridbear"))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        fresh.write_text(unit_text(data_dir, os.environ), "utf-8")
        fresh.replace(self.path)
        self._ask("daemon-reload")
        self._ask("enable", NAME)
        self._ask("restart", NAME)
        return self.state()

    def remove(self) -> bool:
        """End it and take the unit away; the data stay. Returns whether there was one.

        Raises Conflict where somebody else wrote the file.
        """
        if not self.path.exists():
            return False
        if not self.is_ours:
            raise Conflict(f"{self.path} was not written by GridBear. Remove it by hand.")
        self._ask("disable", "--now", NAME)
        self.path.unlink()
        self._ask("daemon-reload")
        return True

    def state(self) -> UnitState:
        """How it stands now."""
        if not self.path.exists():
            return UnitState("absent", at_login=False, lingers=False, path=str(self.path), data_dir="")
        active = self._told("is-active", NAME)
        states: dict[str, State] = {"active": "running", "activating": "running", "failed": "failed"}
        return UnitState(
            state=states.get(active, "stopped"),
            at_login=self._told("is-enabled", NAME) == "enabled",
            lingers=self._lingers(),
            path=str(self.path),
            data_dir=_data_dir_in(self.path.read_text("utf-8", "replace")),
        )

    def _ask(self, *words: str) -> None:
        """Raises StartupError with what systemd says."""
        done = self._run("systemctl", "--user", *words)
        if done.returncode:
            said = done.stderr.strip() or f"it ended with exit code {done.returncode}"
            way_out = _NO_BUS if "bus" in said else ""
            raise StartupError(f"`systemctl --user {' '.join(words)}` was refused: {said}{way_out}")

    def _told(self, *words: str) -> str:
        return self._run("systemctl", "--user", *words).stdout.strip()

    def _lingers(self) -> bool:
        if shutil.which("loginctl") is None:
            return False
        return self._run("loginctl", "show-user", "--property=Linger", "--value").stdout.strip() == "yes"

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=_SECONDS, stdin=subprocess.DEVNULL
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise StartupError(f"`{command[0]}` can't be asked: {error}") from None


def unit_text(data_dir: Path | None, env: Mapping[str, str]) -> str:
    """The unit, for the program that runs now. Settings of the environment that begins with GRIDBEAR_ go along."""
    if data_dir is None and env.get("GRIDBEAR_DATA_DIR"):
        data_dir = Path(env["GRIDBEAR_DATA_DIR"])
    command = [*program(), "serve", *(["--data-dir", str(data_dir.absolute())] if data_dir else [])]
    kept = {name: value for name, value in sorted(env.items()) if _goes_along(name, value)}
    lines = "".join(f"Environment={_quoted([f'{name}={value}'])}\n" for name, value in kept.items())
    return _UNIT.format(mark=_MARK, command=_quoted(command), environment=lines)


def _goes_along(name: str, value: str) -> bool:
    # A file that others may read is no place for a secret, and a line has one line.
    hidden = re.search(r"SECRET|TOKEN|PASSWORD|KEY$", name)
    return name.startswith("GRIDBEAR_") and name != "GRIDBEAR_DATA_DIR" and not hidden and value.isprintable()


def _quoted(words: Sequence[str]) -> str:
    """As systemd reads a command line: quotes, and `%` and `$` mean themselves."""
    return " ".join(
        '"' + word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$") + '"'
        for word in words
    )


def _data_dir_in(text: str) -> str:
    found = re.search(r'"--data-dir" "((?:[^"\\]|\\.)*)"', text)
    if found is None:
        return ""
    return re.sub(r"\\(.)", r"\1", found[1]).replace("%%", "%").replace("$$", "$")
