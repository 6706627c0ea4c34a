"""The secrets in a backup: checked before anything changes, brought back with the phrase."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from server.backup.keeper import Keeper
from server.db.connection import connect
from server.models.base import Base
from server.models.registry import ModelRegistry
from server.records.sealing import stored_form
from server.secrets.key_ring import Place
from server.secrets.key_store import KeyStore
from server.secrets.phrase import WrongPhrase, new_phrase
from server.secrets.vault import open_vault

NOTHING: frozenset[str] = frozenset()
PLACE = Place("mcp_servers", "env", 1)


@dataclass
class Archived:
    key_ring: bytes | None
    key_ids: tuple[str, ...]


def store_at(folder: Path) -> KeyStore:
    return KeyStore(folder, "file")


def keeper_of(data: Path) -> Keeper:
    vault = open_vault(store_at(data / "secrets"), NOTHING)
    return Keeper(data / "gridbear.db", ModelRegistry(Base), vault, store_at)


def put_server(data: Path, env: str) -> None:
    connection = connect(data / "gridbear.db")
    connection.execute(
        "INSERT INTO mcp_servers (id, name, transport, command, args, env, enabled, visibility, created_at, updated_at)"
        " VALUES (1, 'clock', 'stdio', 'clock', '[]', ?, 1, 'admins', ?, ?)",
        (env, *["2026-01-01T00:00:00.000Z"] * 2),
    )
    connection.close()


def test_a_folder_without_secrets_needs_nothing(data: Path) -> None:
    keeper = keeper_of(data)
    sealed = keeper.sealed()
    assert (sealed.key_ring, sealed.key_ids, sealed.any, keeper.has_phrase) == (None, (), False, False)
    keeper.check(Archived(None, ()), None)


def test_another_computer_needs_the_phrase_and_opens_the_values_with_it(data: Path, tmp_path: Path) -> None:
    vault = open_vault(store_at(data / "secrets"), NOTHING)
    keeper = Keeper(data / "gridbear.db", ModelRegistry(Base), vault, store_at)
    value = vault.seal('{"KEY": "canary"}', PLACE)
    put_server(data, stored_form(value, is_json=True))
    phrase = vault.propose_phrase()
    vault.confirm_phrase(phrase)
    sealed = keeper.sealed()
    assert (sealed.key_ids, sealed.any, keeper.has_phrase) == ((vault.current,), True, True)
    archived = Archived(sealed.key_ring, sealed.key_ids)
    assert not keeper.needs_phrase(archived)
    keeper.check(archived, None)

    new = tmp_path / "new"
    (new / "secrets").mkdir(parents=True)
    (new / "secrets" / "internal-api").write_text("of the new computer")
    fresh = keeper_of(new)
    assert fresh.needs_phrase(archived)
    for wrong in (None, new_phrase(), "no words"):
        with pytest.raises(WrongPhrase):
            fresh.check(archived, wrong)
    fresh.check(archived, phrase)
    fresh.stage(archived, phrase, new / "secrets", tmp_path / "staged")
    restored = open_vault(store_at(tmp_path / "staged"), frozenset(sealed.key_ids))
    assert restored.open(value, PLACE) == '{"KEY": "canary"}'
    assert restored.phrase_kept_at == vault.phrase_kept_at
    assert (tmp_path / "staged" / "internal-api").read_text() == "of the new computer"
    assert not (new / "secrets" / "key-ring.wrapped").exists()
