"""What `gridbear doctor` looks at. Nothing is changed and nothing is made; each check stands for itself."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from server.backup.archive_format import KEY_RING
from server.backup.archive_reader import Archive
from server.backup.library import Library
from server.backup.restoring import SECRETS_MAX_BYTES
from server.cli.running import RunningServer, running_server
from server.config import Settings
from server.data_folder import DataFolder, network_file_system, sync_service
from server.db.facts import damage, database_facts
from server.errors import GridBearError
from server.models.base import Base
from server.models.catalogue import OWN_MODELS
from server.models.registry import ModelRegistry
from server.records.sealing import look_at_values
from server.records.times import from_text
from server.secrets.key_ring import Unreadable
from server.secrets.key_store import KeyStore
from server.secrets.private_file import read_private
from server.secrets.vault import WRAPPED_FILE
from server.secrets.wrapped_ring import WrappedRing

State = Literal["ok", "attention", "trouble"]
BACKUP_DAYS = 7.0
"""A newest backup that is older wants attention."""
START_SECONDS = 10.0
"""So long a server that holds the data folder may take until it answers, before that is trouble."""
_LOOK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `attention`: a person should do something; `trouble`: it does not work as it is."""

    what: str
    state: State
    text: str


class Doctor:
    """Looks at one data folder, whether its server runs or not."""

    def __init__(
        self,
        settings: Settings,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._folder = DataFolder(settings.data_dir)
        self._now = now
        self._pause = pause
        self._needed: frozenset[str] = frozenset()

    def findings(self) -> Iterator[Finding]:
        """Every finding, the cheap ones first."""
        if not self._folder.path.is_dir():
            yield Finding("data folder", "ok", f"{self._folder.path} is not there yet; the first start makes it.")
            return
        looks: list[tuple[str, Callable[[], Finding]]] = [
            ("data folder", self._data_folder),
            ("free space", self._free_space),
            ("server", self._server),
            ("database", self._database),
            ("key", self._key),
            ("recovery phrase", self._phrase),
            ("backups", self._backups),
        ]
        for what, look in looks:
            try:
                yield look()
            except GridBearError as error:
                yield Finding(what, "trouble", error.message)
            except OSError as error:
                yield Finding(what, "trouble", f"{error.filename or what} can't be read ({error.strerror or error}).")

    def _data_folder(self) -> Finding:
        path = self._folder.path
        if (system := network_file_system(path)) is not None:
            return Finding(
                "data folder", "trouble", f"{path} is on a network file system ({system}): SQLite loses data."
            )
        if not os.access(path, os.W_OK | os.X_OK):
            return Finding("data folder", "trouble", f"{path} can't be written by this account.")
        if (service := sync_service(path)) is not None:
            return Finding("data folder", "attention", f"{path} looks like it is inside {service}: move it elsewhere.")
        return Finding("data folder", "ok", str(path))

    def _free_space(self) -> Finding:
        free = shutil.disk_usage(self._folder.path).free
        text = f"{_mega(free)} are free"
        if free < self._settings.storage_read_only_bytes:
            return Finding("free space", "trouble", f"{text}: nothing new is written. Free some space.")
        if free < self._settings.storage_logs_stop_bytes:
            return Finding("free space", "attention", f"{text}: history and logs have stopped. Free some space.")
        return Finding("free space", "ok", f"{text}.")

    def _server(self) -> Finding:
        until = time.monotonic() + START_SECONDS
        while (server := running_server(self._folder)) is None:
            # Looking makes the file of the lock, where there is none.
            if not (self._folder.run / "server.lock").exists() or not self._folder.is_held():
                return Finding("server", "ok", "it does not run.")
            if how_far := self._upgrade():
                return Finding("server", "ok", f"it is starting. {how_far}")
            if time.monotonic() >= until:
                text = (
                    f"a GridBear holds the data folder and has not answered for {START_SECONDS:g} s. If it is still "
                    "starting, wait; else look into its log, and end it if it stays so."
                )
                return Finding("server", "trouble", text)
            self._pause(_LOOK_SECONDS)
        return self._running(server)

    def _upgrade(self) -> str:
        """What a starting server says of the upgrade of the data that it is busy with; empty when there is none."""
        try:
            return str(json.loads(self._folder.upgrading.read_text("utf-8"))["text"])
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def _running(self, server: RunningServer) -> Finding:
        shown: dict[str, Any] = server.ask("/api/v1/server")["data"]
        storage = shown["storage"]
        text = f"GridBear {shown['version']} answers at {shown['address']}"
        if storage["state"] == "recovery":
            return Finding("server", "trouble", f"{text}, in recovery mode. {storage['message']}")
        if storage["state"] != "ok":
            return Finding("server", "attention", f"{text}. {storage['message']}")
        return Finding("server", "ok", f"{text}.")

    def _database(self) -> Finding:
        database = self._folder.database
        if not database.exists():
            return Finding("database", "ok", "there is none yet.")
        if (found := damage(database, quick=True)) is not None:
            return Finding("database", "trouble", f"it is damaged ({found}). `gridbear restore` brings a backup back.")
        facts = database_facts(database)
        rows = sum(facts.counts.values())
        return Finding("database", "ok", f"whole: {rows:,} rows, {_mega(database.stat().st_size)}.")

    def _key(self) -> Finding:
        ring = KeyStore(self._folder.secrets, self._settings.key_store).load()
        assert OWN_MODELS, "importing the catalogue declares the program's models"
        self._needed = look_at_values(self._folder.database, ModelRegistry(Base)).keys
        missing = self._needed - (frozenset() if ring is None else ring.ids)
        if missing:
            text = (
                f"secrets are sealed under keys that are not here ({', '.join(sorted(missing))}). Bring them back with "
                "`gridbear secrets recover`, or give the values up with `gridbear secrets forget`."
            )
            return Finding("key", "trouble", text)
        return Finding("key", "ok", "there is none yet." if ring is None else "it opens every secret.")

    def _phrase(self) -> Finding:
        kept = self._kept()
        if kept is not None:
            return Finding("recovery phrase", "ok", f"kept since {kept.kept_at}.")
        if self._needed:
            text = "nobody has kept one, so no backup brings secrets back. `gridbear secrets phrase` makes one."
            return Finding("recovery phrase", "attention", text)
        return Finding("recovery phrase", "ok", "none yet, and no secret needs one.")

    def _backups(self) -> Finding:
        entries = [one for one in Library(self._folder.backups).entries() if one["name"].startswith("backup-")]
        broken = [one["name"] for one in entries if one["problem"] is not None]
        whole = [one for one in entries if one["problem"] is None]
        if not whole:
            state: State = "attention" if self._folder.database.exists() else "ok"
            return Finding("backups", state, "none was made here yet. `gridbear backup` makes one.")
        newest = whole[0]
        age = self._now() - from_text(newest["made_at"])
        text = f"{len(whole)}, the newest {_age(age)} old"
        if age > timedelta(days=BACKUP_DAYS):
            return Finding("backups", "attention", f"{text}. `gridbear backup` makes one now.")
        if broken:
            return Finding("backups", "attention", f"{text}; can't be used: {', '.join(broken)}.")
        if (problem := self._cannot_open(newest["name"])) is not None:
            return Finding("backups", "attention", f"{text}; {problem}")
        return Finding("backups", "ok", f"{text}, secrets {newest['secrets']}.")

    def _cannot_open(self, name: str) -> str | None:
        """Why the phrase that is in force does not open the secrets of a backup; None when it does."""
        with Archive(self._folder.backups / name) as archive:
            if archive.manifest.secrets == "none":
                return None
            if not archive.has(KEY_RING):
                return "it does not bring its secrets to another computer. Keep a recovery phrase, then make another."
            wrapped = WrappedRing.from_bytes(archive.read(KEY_RING, SECRETS_MAX_BYTES))
        kept = self._kept()
        if kept is None or kept.public_key != wrapped.public_key:
            return f"its secrets open with an earlier phrase, kept {wrapped.kept_at}. Make another backup."
        return None

    def _kept(self) -> WrappedRing | None:
        data = read_private(self._folder.secrets / WRAPPED_FILE)
        try:
            return None if data is None else WrappedRing.from_bytes(data)
        except Unreadable as error:
            raise GridBearError(f"{error.message} `gridbear secrets phrase` makes a new one.") from error


def _age(age: timedelta) -> str:
    hours = max(0, int(age.total_seconds() // 3600))
    return f"{hours} hours" if hours < 48 else f"{hours // 24} days"


def _mega(count: int) -> str:
    return f"{count / (1 << 20):,.0f} MB"
