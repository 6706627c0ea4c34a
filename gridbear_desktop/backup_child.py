"""A backup that the tray asks for: made by a process of its own, whose libraries the tray does without."""

from __future__ import annotations

import json
import logging
import subprocess
from pathlib import Path

from gridbear_desktop.supervisor import quiet_child
from server.this_computer import program

log = logging.getLogger(__name__)


def make_backup(data_dir: Path) -> tuple[bool, str]:
    """Back up `data_dir`, however long it takes. Returns whether it is made, and a sentence that says so or why not."""
    command = [*program(), "backup", "--json", "--data-dir", str(data_dir)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, **quiet_child()
    )
    if done.returncode:
        log.warning("the backup failed with %s: %s", done.returncode, done.stderr.strip())
        words = (done.stderr.strip().splitlines() or ["The backup failed; View logs says why."])[-1]
        return False, words.removeprefix("gridbear: ")
    name = json.loads(done.stdout.strip().splitlines()[-1]).get("name", "")
    return True, f"The backup {name} is made."
