"""Where the data of a folder are now, as far as they are there: a disk that is away must not look like a new start."""

from __future__ import annotations

import os
from pathlib import Path

from server.data_location import MOVED_TO, default_data_dir, followed
from server.errors import StartupError


def chosen(data_dir: Path | None) -> Path:
    """The data folder where only that is wanted of the settings: the one given, else the environment's or the default.

    Raises StartupError when its data were moved and are not there.
    """
    return placed(data_dir or Path(os.environ.get("GRIDBEAR_DATA_DIR") or default_data_dir()))


def placed(data_dir: Path) -> Path:
    """The folder that the data of `data_dir` are in. Raises StartupError when they were moved and are not there."""
    given, place = data_dir.expanduser().absolute(), followed(data_dir)
    if place != given and not (place / "gridbear.db").exists():
        raise StartupError(
            f"The data of {given} were moved to {place}, and are not there now. Connect that disk and try again. Only "
            f"to begin anew in {given}, remove {given / MOVED_TO}."
        )
    return place
