"""Where the key lies, and what happens when it is gone."""

from __future__ import annotations

import itertools
import os
import stat
import threading
from pathlib import Path

import pytest
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

from server.errors import Conflict, StartupError
from server.secrets import key_store
from server.secrets.key_ring import KeyRing, Place, Unreadable
from server.secrets.key_store import KeyStore
from server.secrets.keychain import Keychain, KeychainFailed, SystemKeychain
from server.secrets.phrase import new_phrase, unwrap
from server.secrets.vault import Vault, open_vault, recover_vault
from server.secrets.wrapped_ring import WrongPhrase

PLACE = Place("secrets", "value", 1)
NOTHING: frozenset[str] = frozenset()


class StandIn(KeyringBackend):
    """A keychain of the tests. `mood`: works, asks (and gets no answer), refuses, forgets."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.mood = "works"
        self.let_go = threading.Event()

    def _act(self) -> None:
        if self.mood == "asks":
            self.let_go.wait(10)
        if self.mood == "refuses":
            raise RuntimeError("the collection is locked")

    def get_password(self, service: str, username: str) -> str | None:
        self._act()
        return None if self.mood == "forgets" else self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._act()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError("not found")


@pytest.fixture
def stand_in() -> StandIn:
    return StandIn()


def chained(folder: Path, backend: StandIn, choice: key_store.Choice = "keychain") -> KeyStore:
    def keychain(_seconds: float) -> Keychain:
        return SystemKeychain(0.05 if backend.mood == "asks" else 5.0, lambda: backend)

    return KeyStore(folder, choice, keychain)


def in_file(folder: Path) -> KeyStore:
    return KeyStore(folder, "file")


def test_the_first_start_makes_a_key_in_a_private_file(tmp_path: Path) -> None:
    vault = open_vault(in_file(tmp_path / "secrets"), NOTHING)
    sealed = vault.seal("words", PLACE)
    path = tmp_path / "secrets" / "key-ring"
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert open_vault(in_file(path.parent), frozenset([vault.current])).open(sealed, PLACE) == "words"


def test_a_missing_key_beside_sealed_values_is_an_error_and_no_new_key(tmp_path: Path) -> None:
    vault = open_vault(in_file(tmp_path), NOTHING)
    (tmp_path / "key-ring").unlink()
    with pytest.raises(StartupError, match=r"missing.*gridbear secrets recover.*gridbear restore"):
        open_vault(in_file(tmp_path), frozenset([vault.current]))
    assert not (tmp_path / "key-ring").exists()


def test_a_missing_key_beside_a_kept_phrase_is_an_error_too(tmp_path: Path) -> None:
    vault = open_vault(in_file(tmp_path), NOTHING)
    vault.confirm_phrase(vault.propose_phrase())
    (tmp_path / "key-ring").unlink()
    with pytest.raises(StartupError, match="missing"):
        open_vault(in_file(tmp_path), NOTHING)


def test_a_wrong_key_is_named(tmp_path: Path) -> None:
    open_vault(in_file(tmp_path), NOTHING)
    with pytest.raises(StartupError, match=r"key 00000000000000aa.*Nothing was changed"):
        open_vault(in_file(tmp_path), frozenset(["00000000000000aa"]))


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff\xfe", b'{"format": "gridbear-key-ring", "version": 2}'])
def test_a_damaged_key_file_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key-ring").write_bytes(content)
    with pytest.raises(StartupError, match="damaged"):
        open_vault(in_file(tmp_path), NOTHING)
    assert (tmp_path / "key-ring").read_bytes() == content


def test_with_a_keychain_the_folder_alone_opens_nothing(tmp_path: Path, stand_in: StandIn) -> None:
    vault = open_vault(chained(tmp_path, stand_in), NOTHING)
    sealed = vault.seal("words", PLACE)
    vault.add_key()
    assert len(stand_in.kept) == 1
    [secret] = stand_in.kept.values()
    for key in KeyRing.from_json(vault_ring(vault)).to_json()["keys"].values():
        assert key.encode() not in (tmp_path / "key-ring").read_bytes()
    assert secret.encode() not in (tmp_path / "key-ring").read_bytes()
    again = open_vault(chained(tmp_path, stand_in, "file"), vault.key_ids)
    assert again.open(sealed, PLACE) == "words"


def vault_ring(vault: Vault) -> object:
    return vault._ring.to_json()


def test_where_the_key_lies_is_chosen_once(tmp_path: Path, stand_in: StandIn) -> None:
    open_vault(in_file(tmp_path), NOTHING)
    open_vault(chained(tmp_path, stand_in), NOTHING).add_key()
    assert stand_in.kept == {}


@pytest.mark.parametrize("mood", ["asks", "refuses", "forgets"])
def test_a_keychain_that_asks_blocks_or_fails_counts_as_absent(
    tmp_path: Path, stand_in: StandIn, mood: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    stand_in.mood = mood
    vault = open_vault(chained(tmp_path, stand_in, "auto"), NOTHING)
    stand_in.let_go.set()
    assert open_vault(in_file(tmp_path), vault.key_ids).current == vault.current


def test_without_a_display_no_keychain_is_asked(
    tmp_path: Path, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    open_vault(chained(tmp_path, stand_in, "auto"), NOTHING)
    assert stand_in.kept == {}


def test_a_keychain_that_was_asked_for_and_fails_is_an_error(tmp_path: Path, stand_in: StandIn) -> None:
    stand_in.mood = "refuses"
    with pytest.raises(StartupError, match=r"locked.*GRIDBEAR_KEY_STORE"):
        open_vault(chained(tmp_path, stand_in), NOTHING)
    assert not (tmp_path / "key-ring").exists()


@pytest.mark.parametrize(
    ("mood", "told"), [("asks", "no answer within"), ("refuses", "unlock the keychain"), ("forgets", "is gone from")]
)
def test_a_keychain_that_does_not_give_the_key_is_an_error_with_a_way_out(
    tmp_path: Path, stand_in: StandIn, mood: str, told: str
) -> None:
    open_vault(chained(tmp_path, stand_in), NOTHING)
    before = (tmp_path / "key-ring").read_bytes()
    stand_in.mood = mood
    with pytest.raises(StartupError, match=told) as caught:
        open_vault(chained(tmp_path, stand_in), NOTHING)
    stand_in.let_go.set()
    assert "gridbear secrets recover" in caught.value.message
    assert (tmp_path / "key-ring").read_bytes() == before


def test_another_key_in_the_keychain_is_an_error(tmp_path: Path, stand_in: StandIn) -> None:
    open_vault(chained(tmp_path, stand_in), NOTHING)
    for entry in stand_in.kept:
        stand_in.kept[entry] = "ab" * 32
    with pytest.raises(StartupError, match="another key"):
        open_vault(chained(tmp_path, stand_in), NOTHING)


def test_only_the_keychains_of_systems_are_trusted() -> None:
    # Where the tests run there may be a real one; then it is found, and nothing is stored in it.
    class Alone(SystemKeychain):
        pass

    try:
        found = Alone(20.0)._in_time(Alone()._opened)
    except KeychainFailed as error:
        assert str(error) == "this computer has no keychain that GridBear knows"
    else:
        assert type(found).__module__.startswith("keyring.backends.")


def test_a_new_phrase_is_in_force_once_it_was_typed_back(tmp_path: Path) -> None:
    vault = open_vault(in_file(tmp_path), NOTHING)
    phrase = vault.propose_phrase()
    assert (vault.wrapped(), vault.phrase_kept_at, vault.phrase_waits) == (None, None, True)
    with pytest.raises(WrongPhrase, match="not the words that were shown"):
        vault.confirm_phrase(new_phrase())
    assert vault.wrapped() is None
    since = vault.confirm_phrase(phrase.upper())
    assert (vault.phrase_kept_at, vault.phrase_waits) == (since, False)
    assert unwrap(vault.wrapped() or b"", phrase).ids == vault.key_ids
    with pytest.raises(Conflict):
        vault.confirm_phrase(phrase)


def test_a_second_phrase_replaces_the_first_only_after_it_was_typed_back(tmp_path: Path) -> None:
    vault = open_vault(in_file(tmp_path), NOTHING)
    first = vault.propose_phrase()
    vault.confirm_phrase(first)
    second = vault.propose_phrase()
    unwrap(vault.wrapped() or b"", first)
    vault.confirm_phrase(second)
    unwrap(vault.wrapped() or b"", second)
    with pytest.raises(WrongPhrase):
        unwrap(vault.wrapped() or b"", first)


def test_a_phrase_that_was_shown_waits_for_an_hour(tmp_path: Path) -> None:
    now = 0.0
    store = in_file(tmp_path)
    store.save(KeyRing.new())
    ring = store.load()
    assert ring is not None
    vault = Vault(store, ring, lambda: now)
    phrase = vault.propose_phrase()
    now = 3601.0
    assert not vault.phrase_waits
    with pytest.raises(Conflict, match="Make one first"):
        vault.confirm_phrase(phrase)


def test_the_phrase_lies_nowhere(tmp_path: Path) -> None:
    vault = open_vault(in_file(tmp_path), NOTHING)
    phrase = vault.propose_phrase()
    vault.confirm_phrase(phrase)
    for path in tmp_path.iterdir():
        found = path.read_text()
        words = phrase.split()
        assert not any(f"{one} {two}" in found for one, two in itertools.pairwise(words))


def test_after_a_new_key_the_phrase_opens_it_too(tmp_path: Path) -> None:
    vault = open_vault(in_file(tmp_path), NOTHING)
    phrase = vault.propose_phrase()
    vault.confirm_phrase(phrase)
    old = vault.current
    vault.add_key()
    assert vault.current != old
    assert unwrap(vault.wrapped() or b"", phrase).ids == vault.key_ids == {old, vault.current}


def test_the_phrase_brings_a_lost_key_back(tmp_path: Path, stand_in: StandIn) -> None:
    vault = open_vault(chained(tmp_path, stand_in), NOTHING)
    phrase = vault.propose_phrase()
    vault.confirm_phrase(phrase)
    sealed = vault.seal("words", PLACE)
    stand_in.kept.clear()
    wrapped = (tmp_path / "key-ring.wrapped").read_bytes()
    recover_vault(chained(tmp_path, stand_in), unwrap(wrapped, phrase), wrapped)
    assert open_vault(chained(tmp_path, stand_in), vault.key_ids).open(sealed, PLACE) == "words"
    assert len(stand_in.kept) == 1


def test_keys_of_a_backup_join_those_that_are_there(tmp_path: Path) -> None:
    here, there = (open_vault(in_file(tmp_path / name), NOTHING) for name in ("here", "there"))
    theirs = there.propose_phrase()
    there.confirm_phrase(theirs)
    mine, others = here.seal("mine", PLACE), there.seal("theirs", PLACE)
    with pytest.raises(Unreadable):
        here.open(others, PLACE)
    blob = there.wrapped()
    assert blob is not None
    here.adopt(unwrap(blob, theirs), blob)
    after = open_vault(in_file(tmp_path / "here"), here.key_ids)
    assert (after.open(mine, PLACE), after.open(others, PLACE)) == ("mine", "theirs")
    # Nobody had kept a phrase here, so the backup's is in force, for all the keys.
    assert unwrap(after.wrapped() or b"", theirs).ids == after.key_ids


def test_a_phrase_that_is_in_force_stays_when_a_backup_comes_from_elsewhere(tmp_path: Path) -> None:
    here, there = (open_vault(in_file(tmp_path / name), NOTHING) for name in ("here", "there"))
    mine, theirs = here.propose_phrase(), there.propose_phrase()
    here.confirm_phrase(mine)
    there.confirm_phrase(theirs)
    blob = there.wrapped()
    assert blob is not None
    here.adopt(unwrap(blob, theirs), blob)
    assert unwrap(here.wrapped() or b"", mine).ids == here.key_ids


def test_a_first_key_that_can_not_be_written_says_where(tmp_path: Path) -> None:
    (tmp_path / "key-ring.new").mkdir()
    with pytest.raises(StartupError, match=r"can't be written to .*key-ring \(.*\)\. Nothing was changed; free"):
        open_vault(in_file(tmp_path), NOTHING)
