"""An icon that a panel draws itself, running in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from status_host import StatusHost
from test_tray import FakeLauncher

from gridbear_desktop.tray_model import TrayModel
from gridbear_desktop.tray_status_item import StatusItemView
from gridbear_desktop.tray_view import TrayLost

PATIENCE = 30.0
"""Long enough for a computer that has much else to do."""


class Shown:
    """A view that runs in a thread of its own."""

    def __init__(self, launcher: FakeLauncher, patience: float) -> None:
        self.launcher = launcher
        self.view = StatusItemView(TrayModel(launcher), patience)
        self.error: Exception | None = None
        self.thread = threading.Thread(target=self._run, name="view")
        self.thread.start()

    def _run(self) -> None:
        try:
            self.view.run(lambda: None)
        except TrayLost as error:
            self.error = error

    @property
    def has_ended(self) -> bool:
        return not self.thread.is_alive()


@contextmanager
def running(launcher: FakeLauncher, patience: float = PATIENCE) -> Iterator[Shown]:
    view = Shown(launcher, patience)
    try:
        yield view
    finally:
        view.view.stop()
        view.thread.join()


def called(host: StatusHost, launcher: FakeLauncher) -> list[str]:
    host.until(launcher.called.is_set, "the call")
    launcher.called.clear()
    return launcher.calls
