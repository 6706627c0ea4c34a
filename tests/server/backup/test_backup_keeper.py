"""The secrets in a backup: checked before anything changes, brought back with the phrase."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.backup.archive_format import BadArchive
from server.backup.keeper import Keeper
from server.backup.sealing import SealedSecrets
from server.db.connection import connect
from server.errors import Conflict
from server.models.base import Base
from server.models.registry import ModelRegistry
from server.records.sealing import stored_form
from server.secrets.key_ring import Place
from server.secrets.key_store import KeyStore
from server.secrets.phrase import new_phrase
from server.secrets.vault import open_vault
from server.secrets.wrapped_ring import WrongPhrase

NOTHING: frozenset[str] = frozenset()
PLACE = Place("mcp_servers", "env", 1)


def store_at(folder: Path) -> KeyStore:
    return KeyStore(folder, "file")


def keeper_of(data: Path) -> Keeper:
    vault = open_vault(store_at(data / "secrets"), NOTHING)
    return Keeper(ModelRegistry(Base), vault, store_at)


def put_server(data: Path, env: str) -> None:
    connection = connect(data / "gridbear.db")
    connection.execute(
        "INSERT INTO mcp_servers (id, name, transport, command, args, env, enabled, visibility,"
        " sign_in, created_at, updated_at)"
        " VALUES (1, 'clock', 'stdio', 'clock', '[]', ?, 1, 'admins', 'shared', ?, ?)",
        (env, *["2026-01-01T00:00:00.000Z"] * 2),
    )
    connection.close()


def test_a_folder_without_secrets_needs_nothing(data: Path) -> None:
    keeper = keeper_of(data)
    sealed = keeper.sealed(data / "gridbear.db")
    assert (sealed.key_ring, sealed.key_ids, sealed.any, keeper.has_phrase) == (None, (), False, False)
    keeper.check(SealedSecrets(None, ()), None)


def test_another_computer_needs_the_phrase_and_opens_the_values_with_it(data: Path, tmp_path: Path) -> None:
    vault = open_vault(store_at(data / "secrets"), NOTHING)
    keeper = Keeper(ModelRegistry(Base), vault, store_at)
    value = vault.seal('{"KEY": "canary"}', PLACE)
    put_server(data, stored_form(value, is_json=True))
    phrase = vault.propose_phrase()
    vault.confirm_phrase(phrase)
    sealed = keeper.sealed(data / "gridbear.db")
    assert (sealed.key_ids, sealed.any, keeper.has_phrase) == ((vault.current,), True, True)
    assert not keeper.needs_phrase(sealed)
    keeper.check(sealed, None)

    new = tmp_path / "new"
    (new / "secrets").mkdir(parents=True)
    (new / "secrets" / "internal-api").write_text("of the new computer")
    fresh = keeper_of(new)
    assert fresh.needs_phrase(sealed)
    for wrong in (None, new_phrase(), "no words"):
        with pytest.raises(WrongPhrase):
            fresh.check(sealed, wrong)
    fresh.check(sealed, phrase)
    fresh.stage(sealed, phrase, new / "secrets", tmp_path / "staged")
    restored = open_vault(store_at(tmp_path / "staged"), frozenset(sealed.key_ids))
    assert restored.open(value, PLACE) == '{"KEY": "canary"}'
    assert restored.phrase_kept_at == vault.phrase_kept_at
    assert (tmp_path / "staged" / "internal-api").read_text() == "of the new computer"
    assert not (new / "secrets" / "key-ring.wrapped").exists()


def test_secrets_that_only_the_old_computer_can_read_are_refused(data: Path) -> None:
    with pytest.raises(Conflict, match="nowhere else") as caught:
        keeper_of(data).check(SealedSecrets(None, ("0123456789abcdef",)), None)
    assert caught.value.code == "keys_missing"


def test_what_nothing_opens_is_emptied_also_in_models_that_nobody_knows(data: Path, tmp_path: Path) -> None:
    """A plugin of the old computer may not be loaded here: its sealed values would stop the next start."""
    vault = open_vault(store_at(data / "secrets"), NOTHING)
    put_server(data, stored_form(vault.seal('{"KEY": "canary"}', PLACE), is_json=True))
    connection = connect(data / "gridbear.db")
    connection.execute("CREATE TABLE weather_stations (id INTEGER PRIMARY KEY, name TEXT, password TEXT, extra TEXT)")
    connection.execute("CREATE TABLE weather_words (word TEXT)")
    for number in (1, 2):
        sealed = vault.seal("canary", Place("weather_stations", "password", number))
        values = (number, "gb1: a name", sealed, stored_form(sealed, is_json=True) if number == 1 else "{}")
        connection.execute("INSERT INTO weather_stations VALUES (?, ?, ?, ?)", values)
    connection.execute("UPDATE mcp_servers SET headers = '{}'")
    connection.close()
    sealed_secrets = SealedSecrets(None, (vault.current,))
    lost = {"mcp_servers.env": 1, "weather_stations.password": 2, "weather_stations.extra": 1}

    fresh = keeper_of(tmp_path / "new")
    fresh.check(sealed_secrets, None, without_secrets=True)
    assert fresh.unreadable(sealed_secrets, data / "gridbear.db") == lost
    fresh.stage(sealed_secrets, None, tmp_path / "new" / "secrets", tmp_path / "staged", without_secrets=True)
    assert fresh.forget(data / "gridbear.db", tmp_path / "staged") == lost
    ring = store_at(tmp_path / "staged").load()
    assert ring is not None
    connection = connect(data / "gridbear.db")
    rows = connection.execute("SELECT id, name, password, extra FROM weather_stations ORDER BY id").fetchall()
    headers = connection.execute("SELECT headers FROM mcp_servers").fetchone()
    connection.close()
    assert [row[1] for row in rows] == ["gb1: a name"] * 2 and rows[1][3] == "{}" and headers == ("{}",)
    for row in rows:
        assert ring.open(row[2], Place("weather_stations", "password", row[0])) == ""
    assert ring.open(rows[0][3][1:-1], Place("weather_stations", "extra", 1)) == "null"
    assert fresh.unreadable(sealed_secrets, data / "gridbear.db") == {}


def test_a_ring_that_lacks_a_key_of_its_backup_is_refused(data: Path) -> None:
    vault = open_vault(store_at(data / "secrets"), NOTHING)
    phrase = vault.propose_phrase()
    vault.confirm_phrase(phrase)
    with pytest.raises(BadArchive, match="every key"):
        keeper_of(data).check(SealedSecrets(vault.wrapped(), ("0123456789abcdef",)), phrase)
    with pytest.raises(BadArchive, match="damaged"):
        keeper_of(data).check(SealedSecrets(b"{}", ()), phrase)
