"""Start at login: the entry that each system reads when a person signs in, written, read back and removed."""

from __future__ import annotations

import logging
import os
import plistlib
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from gridbear_desktop.tray_model import APP_NAME
from server.errors import StartupError
from server.this_computer import is_bundle, program

LABEL = "org.gridbear.desktop"
RUN_KEY = r"Software\Microsoft\Windows\CurrentVersion\Run"
APPROVED_KEY = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"
"""Where Windows keeps what the Task Manager has switched off: an odd first byte."""

log = logging.getLogger(__name__)


class LoginItem(Protocol):
    """The one entry of this person on this computer."""

    @property
    def place(self) -> str:
        """Where it is, for people."""
        ...

    def command(self) -> list[str] | None:
        """What it starts; None when there is none, or it is switched off in the system's own settings."""
        ...

    def write(self, command: Sequence[str]) -> None:
        """Let this start at each login from now on."""
        ...

    def remove(self) -> bool:
        """Take it away. Returns whether there was one."""
        ...


class XdgEntry:
    """A file in ~/.config/autostart, which GNOME, KDE, Xfce and the others read."""

    def __init__(self) -> None:
        config = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
        self._path = Path(config).expanduser() / "autostart" / "gridbear-desktop.desktop"

    @property
    def place(self) -> str:
        return str(self._path)

    def command(self) -> list[str] | None:
        try:
            text = self._path.read_text("utf-8", "replace")
        except OSError:
            # What can't be read here starts nothing for this person either.
            return None
        if re.search(r"^(Hidden\s*=\s*true|X-GNOME-Autostart-enabled\s*=\s*false)\s*$", text, re.MULTILINE):
            return None
        found = re.search(r"^Exec\s*=(.*)$", text, re.MULTILINE)
        return _words_of_exec(found[1]) if found else None

    def write(self, command: Sequence[str]) -> None:
        lines = ("[Desktop Entry]", "Type=Application", f"Name={APP_NAME}", f"Exec={_exec(command)}",
                 "Icon=gridbear-desktop", "Terminal=false", "X-GNOME-Autostart-enabled=true", "")  # fmt: skip
        _write(self._path, "\n".join(lines).encode())

    def remove(self) -> bool:
        return _unlink(self._path)


class LaunchAgent:
    """A property list in ~/Library/LaunchAgents, which macOS reads."""

    def __init__(self) -> None:
        self._path = Path.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist"

    @property
    def place(self) -> str:
        return str(self._path)

    def command(self) -> list[str] | None:
        try:
            found: Any = plistlib.loads(self._path.read_bytes())
            if not found.get("RunAtLoad") or found.get("Disabled"):
                return None
            return [str(word) for word in found["ProgramArguments"]]
        except (OSError, AttributeError, KeyError, TypeError, ValueError):
            return None

    def write(self, command: Sequence[str]) -> None:
        entry = {"Label": LABEL, "ProgramArguments": list(command), "RunAtLoad": True, "ProcessType": "Interactive"}
        _write(self._path, plistlib.dumps(entry))

    def remove(self) -> bool:
        return _unlink(self._path)


class RunValue:
    """A value of the registry key that Windows reads. `registry` is the module `winreg`."""

    def __init__(self, registry: Any) -> None:
        self._registry = registry

    @property
    def place(self) -> str:
        return rf"HKEY_CURRENT_USER\{RUN_KEY}\{APP_NAME}"

    def command(self) -> list[str] | None:
        line, approved = self._value(RUN_KEY), self._value(APPROVED_KEY)
        if not isinstance(line, str) or (isinstance(approved, bytes) and approved and approved[0] & 1):
            return None
        return _words_of_windows(line)

    def write(self, command: Sequence[str]) -> None:
        registry = self._registry
        with registry.CreateKey(registry.HKEY_CURRENT_USER, RUN_KEY) as key:
            registry.SetValueEx(key, APP_NAME, 0, registry.REG_SZ, subprocess.list2cmdline(command))
        self._delete(APPROVED_KEY)

    def remove(self) -> bool:
        self._delete(APPROVED_KEY)
        return self._delete(RUN_KEY)

    def _value(self, name: str) -> Any:
        with suppress(OSError), self._registry.OpenKey(self._registry.HKEY_CURRENT_USER, name) as key:
            return self._registry.QueryValueEx(key, APP_NAME)[0]
        return None

    def _delete(self, name: str) -> bool:
        registry = self._registry
        with suppress(OSError), registry.OpenKey(registry.HKEY_CURRENT_USER, name, 0, registry.KEY_SET_VALUE) as key:
            registry.DeleteValue(key, APP_NAME)
            return True
        return False


class Autostart:
    """Start at login for one data folder: `data_dir` is None for the platform's own."""

    def __init__(self, data_dir: Path | str | None = None, item: LoginItem | None = None) -> None:
        self._item = item or login_item()
        image = os.environ.get("APPIMAGE")
        begin = [image] if image and is_bundle() else program()
        self._command = [
            *begin,
            "tray",
            "--minimized",
            *(["--data-dir", str(Path(data_dir).absolute())] if data_dir else []),
        ]

    @property
    def place(self) -> str:
        """Where the entry is, for people."""
        return self._item.place

    @property
    def command(self) -> list[str] | None:
        """What starts at login; None when nothing does."""
        return self._item.command()

    @property
    def is_on(self) -> bool:
        return self.command is not None

    def switch(self, on: bool) -> None:
        """Write or remove the entry, and read it back. Raises StartupError when the system did not take it."""
        try:
            self._item.write(self._command) if on else self._item.remove()
        except OSError as error:
            raise StartupError(f"{self.place} can't be changed: {error.strerror or error}.") from None
        if self.is_on != on:
            raise StartupError(f"{self.place} was changed, and reads as before. Another program may keep it.")

    def mend(self) -> bool:
        """Point the entry at this program when the one that it names is gone: it was moved or updated.

        Returns whether it was.
        """
        found = self.command
        if not found or found == self._command or shutil.which(found[0]) is not None:
            return False
        # Its folder and options stay what the person chose.
        begin = next((number for number, word in enumerate(found) if word == "tray"), None)
        rest = found[begin:] if begin is not None else self._command[self._command.index("tray") :]
        with suppress(OSError):
            self._item.write([*self._command[: self._command.index("tray")], *rest])
            log.info("start at login: %s is gone; the entry names this program now", found[0])
            return True
        return False


def login_item() -> LoginItem:
    """The entry of this system."""
    if sys.platform == "win32":
        import winreg  # Windows only

        return RunValue(winreg)
    return LaunchAgent() if sys.platform == "darwin" else XdgEntry()


def _write(path: Path, text: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(text)
    fresh.replace(path)


def _unlink(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def _exec(command: Sequence[str]) -> str:
    """A command line as desktop entries have it: quoted for its words, then escaped as a string of the file."""
    words = ('"' + re.sub(r'(["`$\\])', r"\\\1", word).replace("%", "%%") + '"' for word in command)
    return " ".join(words).replace("\\", "\\\\")


def _words_of_exec(line: str) -> list[str]:
    plain = line.replace("\\\\", "\\")
    found = re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', plain)
    return [bare or re.sub(r"\\(.)", r"\1", quoted).replace("%%", "%") for quoted, bare in found]


def _words_of_windows(line: str) -> list[str]:
    """The words of a line that `subprocess.list2cmdline` made of paths and options, which hold no quotes."""
    return [word.strip('"') for word in shlex.split(line, posix=False)]
