"""Where a command works: at the running server of a data folder, or on the folder itself when none runs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from server.app import GridBearApp, create_app
from server.cli.options import disk_untold
from server.cli.running import RunningServer, running_server
from server.config import Settings
from server.data_folder import DataFolder


class OpenFolder(NamedTuple):
    """A data folder that is locked and open in this process; `runner` runs what is asynchronous."""

    app: GridBearApp
    runner: asyncio.Runner


@contextlib.contextmanager
def server_or_folder(data_dir: Path | None, *, new: bool = False) -> Iterator[RunningServer | OpenFolder]:
    """One of the two; the folder is made where it may be `new`. Raises NotFound, StartupError."""
    settings = Settings.load({"data_dir": data_dir})
    folder = DataFolder(settings.data_dir)
    server = running_server(folder)
    if server is not None:
        yield server
        return
    if not new:
        folder.want_data()
    folder.open()
    with folder.lock(), disk_untold(), asyncio.Runner() as runner:
        app = create_app(settings)
        opened = app.data()
        runner.run(opened.__aenter__())
        try:
            yield OpenFolder(app, runner)
        finally:
            runner.run(opened.__aexit__(None, None, None))
