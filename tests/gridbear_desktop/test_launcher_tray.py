"""What the launcher tells the tray, without processes and panels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gridbear_desktop import launcher
from gridbear_desktop.instance import Instance
from gridbear_desktop.tray_model import APP_NAME, TrayModel
from server.data_folder import DataFolder


class Picture:
    """A view that shows what the model said when it was last drawn."""

    def __init__(self, model: TrayModel) -> None:
        self._model = model
        self.shown = model.status()
        self.ran = False

    def refresh(self) -> None:
        self.shown = self._model.status()

    def run(self, quit_asked: Callable[[], None]) -> None:
        self.ran = True

    def stop(self) -> None: ...

    def tell(self, text: str, title: str = APP_NAME, page: str = "") -> None: ...


@pytest.fixture
def tray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> launcher.Launcher:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = DataFolder(tmp_path / "data")
    folder.open()
    return launcher.Launcher(folder, {}, Instance(folder.run), minimized=True)


def shown_while(tray: launcher.Launcher, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], None]) -> Picture:
    """Show the tray; `happens` is what comes while its view is made."""
    made: list[Picture] = []

    def view_of(model: TrayModel, _backend: str) -> Picture:
        made.append(Picture(model))
        happens()
        return made[0]

    monkeypatch.setattr(launcher, "view_of", view_of)
    tray._run_tray("status-item")
    return made[0]


def test_a_server_that_comes_while_the_icon_is_made_is_shown_in_it(
    tray: launcher.Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = TrayModel(tray).status()
    view = shown_while(tray, monkeypatch, lambda: tray._server._enter("starting"))
    assert view.ran and view.shown == TrayModel(tray).status() != before


def test_an_icon_whose_end_comes_while_it_is_made_is_not_shown(
    tray: launcher.Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = shown_while(tray, monkeypatch, tray._quitting.set)
    assert not view.ran
