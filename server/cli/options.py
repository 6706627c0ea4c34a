"""Options and exit codes that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EXIT_EXISTS = 3

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="The data folder, if not the platform's own (GRIDBEAR_DATA_DIR).")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
