"""Bytes beside the database, by their hash: equal bytes lie there once, and only whole ones are ever there."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from server.durable import sync_folder

_PREFIX = "upload-"
_HASH = re.compile(r"[0-9a-f]{64}")


class Draft:
    """Bytes on their way in, in a file of their own. Written by one thread at a time; `discard` is safe in any."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._hash = hashlib.sha256()
        self._lock = threading.Lock()
        self._file = path.open("xb")

    @property
    def sha256(self) -> str:
        """Of what was written so far."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        """Add `data`. Raises OSError; nothing is added to a discarded draft."""
        with self._lock:
            if self._file.closed:
                return
            self._file.write(data)
            self._hash.update(data)
            self.size += len(data)

    def finish(self) -> None:
        """Put everything on the disk. Raises OSError."""
        with self._lock:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def discard(self) -> None:
        """Remove what there is of it."""
        with self._lock:
            # A full disk refuses to close as well, and there is nothing to save.
            with contextlib.suppress(OSError):
                self._file.close()
            self.path.unlink(missing_ok=True)


class ContentStore:
    """`folder/ab/abcdef…`, written by this process alone.

    Bytes are in place before a row names them and stay until no row does. A sweep never takes what an upload, inside
    `keeping`, has just put or found there.
    """

    def __init__(self, folder: Path, tmp: Path) -> None:
        """`tmp` is on the same file system as `folder`, which is made when it is needed."""
        self._folder = folder
        self._tmp = tmp
        self._lock = threading.Lock()
        self._pending: Counter[str] = Counter()
        self._shared: set[str] = set()
        """Pending ones that a second upload has found there."""
        self._seen: set[str] = set()
        """What uploads have put or found since the latest sweep began."""

    def start(self) -> None:
        """Remove what a killed process left half written."""
        for left in self._tmp.glob(f"{_PREFIX}*"):
            with contextlib.suppress(OSError):
                left.unlink()

    def path(self, sha256: str) -> Path:
        """Where the bytes of a hash lie."""
        return self._folder / sha256[:2] / sha256

    def draft(self) -> Draft:
        """A new draft. Raises OSError."""
        return Draft(self._tmp / f"{_PREFIX}{secrets.token_hex(8)}")

    @contextlib.contextmanager
    def keeping(self, sha256: str) -> Iterator[None]:
        """No sweep takes these bytes inside: the row that names them is being written."""
        with self._lock:
            self._pending[sha256] += 1
            self._seen.add(sha256)
        try:
            yield
        finally:
            with self._lock:
                self._pending[sha256] -= 1
                if not self._pending[sha256]:
                    del self._pending[sha256]
                    self._shared.discard(sha256)

    def put(self, draft: Draft) -> bool:
        """Give a finished draft its place, inside `keeping`. Returns whether its bytes are new. Raises OSError."""
        target = self.path(draft.sha256)
        with self._lock:
            made = not target.parent.exists()
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # What a disk lost after a power cut must not stand in the way of whole bytes.
            if target.exists() and target.stat().st_size == draft.size:
                draft.path.unlink()
                self._shared.add(draft.sha256)
                return False
            draft.path.replace(target)
        sync_folder(target.parent)
        if made:
            sync_folder(self._folder)
        return True

    def take_back(self, sha256: str) -> None:
        """Remove bytes that were new, inside `keeping`: their row was refused. Not where another upload found them."""
        with self._lock, contextlib.suppress(OSError):
            if self._pending[sha256] == 1 and sha256 not in self._shared:
                self.path(sha256).unlink()

    def begin_sweep(self) -> None:
        """From here on it is noted what uploads put or find. To be called before it is looked up what is needed."""
        with self._lock:
            self._seen = set()

    def listed(self, part: int) -> list[str]:
        """The hashes of one of 256 parts. Files of other names are nobody's business here. Raises OSError."""
        folder = self._folder / f"{part:02x}"
        if not folder.is_dir():
            return []
        return [name for name in os.listdir(folder) if _HASH.fullmatch(name) and name.startswith(folder.name)]

    def remove(self, hashes: Iterable[str], since: float) -> int:
        """Remove bytes that the sweep has found to be needed no more. Returns how many went.

        None that are older than `since` (seconds since the epoch), the beginning of the database: another one may
        need them, which somebody has put aside.
        """
        gone = 0
        for sha256 in hashes:
            with self._lock:
                if sha256 in self._seen or sha256 in self._pending:
                    continue
                with contextlib.suppress(OSError):
                    if self.path(sha256).stat().st_mtime >= since:
                        self.path(sha256).unlink()
                        gone += 1
        return gone
