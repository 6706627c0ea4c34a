"""The data folder: where it may lie, who may use it now, and what lies where in it."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from server.data_location import COMING, MOVED_TO, followed, note_in
from server.errors import NotFound, StartupError

NETWORK_FILE_SYSTEMS = frozenset(
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "afpfs",
        "webdav",
        "davfs",
        "ncpfs",
        "9p",
        "ceph",
        "glusterfs",
        "lustre",
        "fuse.sshfs",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.gvfsd-fuse",
        "fuse.glusterfs",
        "fuse.davfs2",
        "afs",
        "coda",
        "beegfs",
    ]
)
SYNC_FOLDERS = (
    "Dropbox", "OneDrive", "Google Drive", "GoogleDrive", "iCloud Drive", "Mobile Documents", "Nextcloud",
    "ownCloud", "Syncthing", "Sync", "pCloudDrive", "Box Sync", "MEGA",
)  # fmt: skip
MOUNT_TABLE = Path("/proc/mounts")


class DataFolder:
    """One data folder. Nothing is created before `open`, and nothing is touched when it can't be used."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()

    @property
    def database(self) -> Path:
        return self.path / "gridbear.db"

    @property
    def run(self) -> Path:
        """Files that describe the running process; private to the owner."""
        return self.path / "run"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def plugins(self) -> Path:
        return self.path / "plugins"

    @property
    def libraries(self) -> Path:
        """What plugins import beside what the program has; one folder for each plugin, made when the first comes."""
        return self.path / "libraries"

    @property
    def secrets(self) -> Path:
        """Generated secrets, one file each, 0600."""
        return self.path / "secrets"

    @property
    def files(self) -> Path:
        """What people have uploaded, each file under its hash; made with the first of them."""
        return self.path / "files"

    @property
    def backups(self) -> Path:
        """Backups, and the databases that upgrades, restores and changes of models have replaced."""
        return self.path / "backups"

    @property
    def upgrading(self) -> Path:
        """Says how far an upgrade of the database is, while there is one."""
        return self.run / "upgrading.json"

    @property
    def certificate(self) -> Path:
        """The certificate that the running server shows, for the programs of this computer; without its key."""
        return self.run / "certificate.pem"

    @property
    def tmp(self) -> Path:
        """Files that are worth nothing once the process is gone, such as uploads on their way in."""
        return self.path / "tmp"

    def want_data(self) -> None:
        """Raise NotFound where there is no GridBear yet: what only reads must not make one, and find it empty."""
        if not self.database.exists():
            raise NotFound(f"There is no GridBear in {self.path}. Name its data folder with --data-dir.")

    def open(self) -> list[str]:
        """Check the folder and create what is missing. Returns warnings; raises StartupError with the way out."""
        system = network_file_system(self.path)
        if system is not None:
            raise StartupError(
                f"The data folder {self.path} is on a network file system ({system}), where SQLite loses data. "
                "Choose a folder on this computer (--data-dir, GRIDBEAR_DATA_DIR); backups may live on the network."
            )
        try:
            for folder in (self.path, self.run, self.logs, self.plugins, self.secrets, self.tmp):
                folder.mkdir(parents=True, exist_ok=True)
            if os.name == "posix":
                for private in (self.path, self.run, self.secrets, self.tmp):
                    private.chmod(0o700)
            probe = self.run / f"probe-{os.getpid()}"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise StartupError(
                f"The data folder {self.path} can't be written ({error.strerror or error}). "
                "Choose another with --data-dir or GRIDBEAR_DATA_DIR."
            ) from error
        service = sync_service(self.path)
        if service is None:
            return []
        return [
            f"The data folder {self.path} looks like it is inside {service}. A sync program that copies the open "
            "database can damage it: move the data folder elsewhere and keep only backups there."
        ]

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder for this process. Raises StartupError when another process has it."""
        lock = FileLock(self.run / "server.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise StartupError(
                f"Another GridBear already uses the data folder {self.path}. Use that one, or stop it first."
            ) from None
        try:
            self._settle_move()
            yield
        finally:
            lock.release()

    def is_held(self) -> bool:
        """Whether a process holds the folder now."""
        try:
            with FileLock(self.run / "server.lock", timeout=0):
                return False
        except Timeout:
            return True
        except OSError:
            return False

    def _settle_move(self) -> None:
        """Finish what a move of the folder left undone. Raises StartupError where the data are elsewhere."""
        coming = self.path / COMING
        if coming.exists():
            try:
                source = Path(json.loads(coming.read_text("utf-8"))["from"])
            except (OSError, ValueError, KeyError, TypeError):
                source = None
            if source is None or followed(source) != self.path:
                where = source or "its former place"
                raise StartupError(
                    f"{self.path} is a copy that was not finished; the data are in {where}. Start with that folder, or "
                    f"move again: gridbear data move {self.path} --data-dir {where}"
                )
            coming.unlink()
        if note_in(self.path) is None:
            return
        if (place := followed(self.path)) != self.path:
            # Between our look for the folder and our lock on it.
            raise StartupError(f"The data of {self.path} were moved to {place} just now. Try again.")
        # A move back was cut off after its switch.
        (self.path / MOVED_TO).unlink()


def network_file_system(path: Path) -> str | None:
    """The type of the network file system that `path` lies on, or None (also where this can't be told)."""
    if sys.platform == "win32":
        return "network share" if str(path).startswith("\\\\") else None
    try:
        table = MOUNT_TABLE.read_text("utf-8", "replace")
    except OSError:
        return None
    existing = path
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    real = os.path.realpath(existing)
    best, kind = "", ""
    for line in table.splitlines():
        parts = line.split(" ")
        if len(parts) < 3:
            continue
        mount = parts[1].replace("\\040", " ")
        inside = real == mount or real.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, parts[2]
    return kind if kind in NETWORK_FILE_SYSTEMS else None


def sync_service(path: Path) -> str | None:
    """The sync service whose folder `path` seems to lie in, judged by the names of its parents."""
    for part in path.parts:
        for name in SYNC_FOLDERS:
            if part == name or part.startswith((f"{name} ", f"{name}-")):
                return name
    return None
