"""Backups where the data is: in the running server, or on the folder when none runs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

from server.access.actor import OWNER
from server.app import create_app
from server.backup.archive_format import Kind
from server.backup.keeper import Keeper
from server.backup.service import BackupService
from server.cli.options import disk_untold
from server.cli.running import Body, RunningServer, running_server
from server.config import Settings, SettingsHolder
from server.data_folder import DataFolder
from server.errors import GridBearError, StartupError
from server.models.base import Base
from server.models.registry import ModelRegistry
from server.secrets.key_store import KeyStore
from server.secrets.vault import Vault

T = TypeVar("T")
Told = Callable[[float], None]
"""Gets how far the work is, from 0 to 1."""

BACKUPS = "/api/v1/backups"
POLL_SECONDS = 0.2
RESTART_SECONDS = 600.0
PIECE_BYTES = 1 << 20


class BackupDoor(Protocol):
    """What the commands need. The caller is the machine's owner."""

    def make(self, kind: Kind, without_phrase: bool, told: Told) -> dict[str, Any]: ...

    def take_in(self, file: Path, told: Told) -> str:
        """The name that a backup made elsewhere has among ours from now on. Raises BadArchive, StorageFull."""
        ...

    def forget(self, name: str) -> None:
        """Delete a backup."""
        ...

    def plan(self, name: str, told: Told) -> dict[str, Any]: ...

    def restore(self, name: str, phrase: str | None, told: Told, *, without_secrets: bool = False) -> dict[str, Any]:
        """How it ended: the server's `last_restore`."""
        ...

    def undo(self, told: Told) -> dict[str, Any]: ...


@contextlib.contextmanager
def backup_door(settings: Settings, *, new: bool) -> Iterator[BackupDoor]:
    """The door to a data folder, which is made when it may be `new`. Raises NotFound, StartupError."""
    folder = DataFolder(settings.data_dir)
    server = running_server(folder)
    if server is not None:
        yield _ServerDoor(server, folder.run / "server.json")
        return
    if not new:
        folder.want_data()
    folder.open()
    with folder.lock(), asyncio.Runner() as runner:
        yield _FolderDoor(settings, folder, runner)


class _ServerDoor:
    def __init__(self, server: RunningServer, run_file: Path) -> None:
        self._server = server
        self._run_file = run_file

    def make(self, kind: Kind, without_phrase: bool, told: Told) -> dict[str, Any]:
        return self._long("", _json({"kind": kind, "without_phrase": without_phrase}), told)

    def take_in(self, file: Path, told: Told) -> str:
        headers = {"Content-Type": "application/zip", "Content-Length": str(file.stat().st_size)}
        with file.open("rb") as content:
            return str(self._long("/upload", content, told, headers)["name"])

    def forget(self, name: str) -> None:
        self._server.ask(f"{BACKUPS}/{quote(name)}", method="DELETE")

    def plan(self, name: str, told: Told) -> dict[str, Any]:
        return self._long(f"/{quote(name)}/restore", _json({"dry_run": True}), told)

    def restore(self, name: str, phrase: str | None, told: Told, *, without_secrets: bool = False) -> dict[str, Any]:
        body = {"phrase": phrase, "without_secrets": without_secrets}
        return self._restarted(f"/{quote(name)}/restore", body, told)

    def undo(self, told: Told) -> dict[str, Any]:
        return self._restarted("/restore/undo", {}, told)

    def _restarted(self, path: str, body: dict[str, Any], told: Told) -> dict[str, Any]:
        before = self._status()["last_restore"]
        self._long(path, _json(body), told)
        deadline = time.monotonic() + RESTART_SECONDS
        # It takes its run file away when it ends for good.
        while time.monotonic() < deadline and self._run_file.exists():
            # It does not answer, or not in time, while it starts again.
            with contextlib.suppress(GridBearError, OSError, ValueError):
                after = self._status()["last_restore"]
                if after is not None and after != before:
                    return dict(after)
            time.sleep(POLL_SECONDS)
        raise StartupError("The server did not come back. Its log says why; start it again, and it goes on from there.")

    def _long(
        self, path: str, body: bytes | Body, told: Told, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The answer to a POST that takes its time."""
        found: list[dict[str, Any]] = []
        errors: list[Exception] = []

        def ask() -> None:
            try:
                found.append(self._server.ask(f"{BACKUPS}{path}", body, headers, timeout=None)["data"])
            except Exception as error:
                errors.append(error)

        thread = threading.Thread(target=ask, name="gridbear-ask", daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(POLL_SECONDS)
            with contextlib.suppress(GridBearError, OSError, ValueError):
                running = self._status()["running"]
                if running is not None:
                    told(running["progress"])
        if errors:
            raise errors[0]
        return found[0]

    def _status(self) -> dict[str, Any]:
        found: dict[str, Any] = self._server.ask(f"{BACKUPS}/status")["data"]
        return found


class _FolderDoor:
    def __init__(self, settings: Settings, folder: DataFolder, runner: asyncio.Runner) -> None:
        self._settings = settings
        self._folder = folder
        self._runner = runner

    def make(self, kind: Kind, without_phrase: bool, told: Told) -> dict[str, Any]:
        return self._run(lambda service: service.make(OWNER, kind=kind, without_phrase=without_phrase), told)

    def take_in(self, file: Path, told: Told) -> str:
        size = file.stat().st_size
        kept = self._run(lambda service: service.upload(OWNER, _pieces(file), size), told, for_restore=True)
        return str(kept["name"])

    def forget(self, name: str) -> None:
        self._run(lambda service: service.delete(OWNER, name), lambda _: None, for_restore=True)

    def plan(self, name: str, told: Told) -> dict[str, Any]:
        return self._run(lambda service: service.plan(OWNER, name), told, for_restore=True)

    def restore(self, name: str, phrase: str | None, told: Told, *, without_secrets: bool = False) -> dict[str, Any]:
        self._run(
            lambda service: service.restore(OWNER, name, phrase, without_secrets=without_secrets),
            told,
            for_restore=True,
        )
        return self._settled()

    def undo(self, told: Told) -> dict[str, Any]:
        self._run(lambda service: service.undo(OWNER), told, for_restore=True)
        return self._settled()

    def _settled(self) -> dict[str, Any]:
        # What the next start does: it is done when the data opens.
        status = self._run(lambda service: service.status(OWNER), lambda _: None)
        return dict(status["last_restore"])

    def _run(
        self,
        work: Callable[[BackupService], Coroutine[Any, Any, T]],
        told: Told,
        *,
        for_restore: bool = False,
    ) -> T:
        async def run() -> T:
            async with _opened(self._settings, self._folder, for_restore=for_restore) as service:
                task = asyncio.ensure_future(work(service))
                while not task.done():
                    await asyncio.wait([task], timeout=POLL_SECONDS)
                    if service.progress is not None:
                        told(service.progress)
                return await task

        return self._runner.run(run())


def _json(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body).encode()


async def _pieces(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as content:
        while piece := content.read(PIECE_BYTES):
            yield piece


@contextlib.asynccontextmanager
async def _opened(settings: Settings, folder: DataFolder, *, for_restore: bool) -> AsyncIterator[BackupService]:
    """The service of a folder. A restore works also where the data can't be opened: that is what it is for."""
    app = create_app(settings)
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(disk_untold())
        try:
            await stack.enter_async_context(app.data())
        except StartupError:
            if not for_restore:
                raise
            service = _bare_service(settings, folder)
            stack.push_async_callback(service.close)
            yield service
        else:
            yield app.backups


def _bare_service(settings: Settings, folder: DataFolder) -> BackupService:
    keeper = Keeper(ModelRegistry(Base), _readable_vault(settings, folder), lambda at: KeyStore(at, settings.key_store))
    service = BackupService(
        folder.path, keeper, SettingsHolder(settings), frozenset(settings.model_fields_set), lambda: None
    )
    service.start()
    return service


def _readable_vault(settings: Settings, folder: DataFolder) -> Vault | None:
    """The vault of a folder whose database can't be opened: with its keys, no backup made here wants the phrase."""
    store = KeyStore(folder.secrets, settings.key_store)
    with contextlib.suppress(StartupError):
        ring = store.load()
        return None if ring is None else Vault(store, ring)
    return None
