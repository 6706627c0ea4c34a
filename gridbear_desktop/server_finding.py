"""The running server of a data folder, started where there is none: for programs that others start."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gridbear_desktop import control, runfile
from gridbear_desktop.display import has_display, tray_backend
from gridbear_desktop.runfile import RunInfo
from gridbear_desktop.supervisor import START_SECONDS, quiet_child
from server.data_folder import DataFolder
from server.this_computer import program

POLL_SECONDS = 0.1
OTHERS_SECONDS = 10.0


class ServerFinder:
    """Finds the server of `folder`; `found` remembers nothing, so a server that came back elsewhere is found too."""

    def __init__(self, folder: DataFolder, is_over: Callable[[float], bool]) -> None:
        self._folder = folder
        self._is_over = is_over

    def running(self) -> RunInfo | None:
        """The server that answers now."""
        info = runfile.read(self._folder.run)
        return info if info is not None and control.answers(info) else None

    def found(self) -> RunInfo:
        """The server, waited for, and started if need be. Raises OSError saying why there is none."""
        info = self.running()
        if info is not None:
            return info
        self._folder.open()
        child = self._start()
        ended = False
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and not self._is_over(POLL_SECONDS):
            info = self.running()
            if info is not None:
                return info
            if child.poll() is not None and not ended:
                # Somebody else may have started one at the same moment: where the folder is held, that one is waited
                # for like an own one, else a little.
                if not self._folder.is_held():
                    deadline = min(deadline, time.monotonic() + OTHERS_SECONDS)
                ended = True
            elif not ended and runfile.upgrading(self._folder.run, child.pid):
                deadline = time.monotonic() + START_SECONDS
        raise OSError(f"GridBear did not start; {self._log_path} says why")

    @property
    def _log_path(self) -> Path:
        return self._folder.logs / "started-by-client.log"

    def _start(self) -> subprocess.Popen[bytes]:
        """A tray where a person would see it, else a server alone. Either one outlives the client."""
        shown = has_display() and tray_backend() is not None
        words = ["tray", "--minimized"] if shown else ["serve"]
        apart: dict[str, Any] = {"start_new_session": True} if os.name == "posix" else quiet_child()
        with self._log_path.open("ab") as output:
            child = subprocess.Popen(
                [*program(), *words, "--data-dir", str(self._folder.path)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                **apart,
            )
        # Else it would stay a zombie when it ends before the client does.
        threading.Thread(target=child.wait, daemon=True).start()
        return child
