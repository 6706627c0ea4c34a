"""A short id of one server, at the end of the names of its backups: several may copy into one folder."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from server.secrets.private_file import read_private, write_private

_FILE = ".server-id"
_ID = re.compile(rb"[0-9a-f]{8}")


def server_id(backups: Path) -> str:
    """The id that lies in the folder `backups`; the first time it is made. No backup holds it, so a second server that
    was made from one has another. Raises OSError."""
    path = backups / _FILE
    found = read_private(path)
    if found is None or not _ID.fullmatch(found):
        found = secrets.token_hex(4).encode()
        write_private(path, found)
    return found.decode()
