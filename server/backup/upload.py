"""A backup that somebody sends: a file beside the others until it was checked, and then one of them."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from server.backup.archive_reader import RESERVE_BYTES
from server.backup.jobs import Jobs
from server.backup.making import moment_name
from server.errors import StorageFull

UNCHECKED = ".upload-"
"""What the name of an unchecked one begins with."""
_SPOOL_BYTES = 1 << 20


class Upload:
    """One of them, at `part` until it is kept."""

    def __init__(self, folder: Path, jobs: Jobs) -> None:
        self.part = folder / f"{UNCHECKED}{secrets.token_hex(8)}"
        self._folder = folder
        self._jobs = jobs

    def require_room(self, size: int) -> None:
        """Raise StorageFull when so many bytes more do not fit."""
        free = shutil.disk_usage(self._folder).free
        if size + RESERVE_BYTES > free:
            raise StorageFull(f"The upload does not fit: {free >> 20} MB are free in {self._folder}.")

    async def take(self, chunks: AsyncIterator[bytes]) -> None:
        """Write what comes in, in threads. Raises StorageFull."""
        waiting: list[bytes] = []
        count = 0
        file = await self._jobs.beside(_private_file, self.part)
        try:
            async for chunk in chunks:
                waiting.append(chunk)
                count += len(chunk)
                if count >= _SPOOL_BYTES:
                    self.require_room(count)
                    await self._jobs.beside(file.write, b"".join(waiting))
                    waiting, count = [], 0
            await self._jobs.beside(file.write, b"".join(waiting))
            await self._jobs.beside(file.flush)
            await self._jobs.beside(os.fsync, file.fileno())
        finally:
            await self._jobs.beside(file.close)

    def keep(self, moment: datetime) -> Path:
        """Make it one of the backups, and say where it is. Only one caller at a time.

        It is named for `moment`, or for just after: another may have come in the same millisecond.
        """
        while (place := self._folder / f"{moment_name('upload', moment)}.zip").exists():
            moment += timedelta(milliseconds=1)
        self.part.replace(place)
        return place

    def forget(self) -> None:
        """Remove what was not kept."""
        self.part.unlink(missing_ok=True)


def _private_file(path: Path) -> Any:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
