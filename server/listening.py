"""What was chosen in the page or by `gridbear lan`: whether other computers may reach the server, and how encrypted.

It is read before the database, below command line and environment, so it is a file of this computer and not a record.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

FILE_NAME = "listen.json"
LAN_HOST = "0.0.0.0"


def chosen(run: Path) -> dict[str, str]:
    """The chosen settings (`host`, `tls`); none when nothing was chosen or the file is not whole."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        found = json.loads((run / FILE_NAME).read_text("utf-8"))
        return {name: str(found[name]) for name in ("host", "tls") if name in found}
    return {}


def choose(run: Path, choice: dict[str, str]) -> None:
    """Keep a choice for this and later starts; an empty one is none."""
    target = run / FILE_NAME
    if not choice:
        target.unlink(missing_ok=True)
        return
    draft = run / f"{FILE_NAME}.{os.getpid()}"
    draft.write_text(json.dumps(choice), "utf-8")
    draft.replace(target)
