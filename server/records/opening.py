"""What stands before the first record is served: the keys of sealed values, and the settings that are records."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from server.access.actor import SYSTEM
from server.config import Settings, SettingsHolder
from server.db.faults import cannot_open
from server.events.bus import Bus, RecordChanged
from server.models.registry import ModelRegistry
from server.records.sealing import look_at_values, seal_at_start
from server.records.service import Records
from server.records.setting_behaviour import publish_live, with_records
from server.secrets.key_store import KeyStore
from server.secrets.vault import Vault, open_vault


def opened_vault(database: Path, registry: ModelRegistry, keys: KeyStore) -> tuple[Vault, list[str]]:
    """The vault of a database, every secret in it sealed, and what the owner should know of that.

    Raises StartupError when the file can't be read, and what `open_vault` raises for a missing key.
    """
    try:
        found = look_at_values(database, registry)
        vault = open_vault(keys, found.keys)
        return vault, seal_at_start(database, registry, vault, found)
    except sqlite3.Error as error:
        raise cannot_open(database, error) from error


async def follow_settings(records: Records, settings: SettingsHolder, started: Settings, bus: Bus) -> None:
    """Put the stored settings in force, and every later change of a live one as soon as it is stored."""

    def changed(_event: RecordChanged) -> None:
        # On the spot: whoever changed it may rely on it once they have the answer.
        publish_live(settings, started, records.all_now(SYSTEM, "settings"))

    settings.publish(with_records(started, await records.find(SYSTEM, "settings")))
    bus.subscribe(changed, ("settings",))
