"""Downloads in windows of Linux, where pywebview's own handlers fail and nothing is saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def mend(platform: Any) -> None:
    """Let windows of `platform`, pywebview's module for Qt or GTK, ask where a download goes, and save it there."""
    if platform.__name__.endswith(".qt"):
        # Its own calls what Qt 6 no longer has.
        platform.BrowserView.on_download_requested = _ask_and_save
    elif platform.__name__.endswith(".gtk"):
        view = platform.BrowserView
        view.create_file_dialog = _beginning_somewhere(view.create_file_dialog)


def _beginning_somewhere(dialog: Any) -> Any:
    def opened(view: Any, kind: Any, directory: str | None, *more: Any) -> Any:
        # GTK knows no folder of downloads where a desktop has not set one up, and takes no None.
        return dialog(view, kind, directory or str(_downloads()), *more)

    return opened


def _downloads() -> Path:
    folder = Path.home() / "Downloads"
    return folder if folder.is_dir() else Path.home()


def _ask_and_save(view: Any, download: Any) -> None:
    from PySide6.QtCore import QStandardPaths
    from PySide6.QtWidgets import QFileDialog

    folder = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DownloadLocation))
    if not folder.is_dir():
        folder = _downloads()
    title = view.localization["global.saveFile"]
    chosen, _ = QFileDialog.getSaveFileName(view, title, str(folder / download.suggestedFileName()))
    if not chosen:
        download.cancel()
        return
    download.setDownloadDirectory(str(Path(chosen).parent))
    download.setDownloadFileName(Path(chosen).name)
    download.accept()
