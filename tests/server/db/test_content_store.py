"""Bytes by their hash: whole or not there, once, and never taken from under an upload."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from server.db.content_store import ContentStore, Draft


@pytest.fixture
def store(tmp_path: Path) -> ContentStore:
    (tmp_path / "tmp").mkdir()
    return ContentStore(tmp_path / "files", tmp_path / "tmp")


def put(store: ContentStore, data: bytes) -> str:
    draft = store.draft()
    draft.write(data)
    draft.finish()
    with store.keeping(draft.sha256):
        store.put(draft)
    return draft.sha256


def all_hashes(store: ContentStore) -> set[str]:
    return {name for part in range(256) for name in store.listed(part)}


def test_bytes_lie_under_their_hash_once(store: ContentStore, tmp_path: Path) -> None:
    sha256 = put(store, b"bear")
    assert sha256 == hashlib.sha256(b"bear").hexdigest() == put(store, b"bear")
    assert store.path(sha256) == tmp_path / "files" / sha256[:2] / sha256
    assert store.path(sha256).read_bytes() == b"bear"
    assert all_hashes(store) == {sha256}
    assert list((tmp_path / "tmp").iterdir()) == []


def test_what_a_killed_process_left_is_removed_and_nothing_else(store: ContentStore, tmp_path: Path) -> None:
    draft = store.draft()
    draft.write(b"half")
    (tmp_path / "tmp" / "import-1").write_bytes(b"of somebody else")
    store.start()
    assert [path.name for path in (tmp_path / "tmp").iterdir()] == ["import-1"]
    draft.discard()


def test_a_discarded_draft_takes_no_more(store: ContentStore, tmp_path: Path) -> None:
    draft = store.draft()
    draft.write(b"x")
    draft.discard()
    draft.write(b"y")
    draft.discard()
    assert list((tmp_path / "tmp").iterdir()) == []


def test_bytes_cut_short_by_a_power_cut_are_replaced(store: ContentStore) -> None:
    sha256 = put(store, b"whole bytes")
    store.path(sha256).write_bytes(b"")
    put(store, b"whole bytes")
    assert store.path(sha256).read_bytes() == b"whole bytes"


def test_a_sweep_removes_what_it_is_told_but_nothing_that_an_upload_needs(store: ContentStore) -> None:
    old, found, pending = put(store, b"old"), put(store, b"found"), put(store, b"pending")
    with store.keeping(pending):
        store.begin_sweep()
        # An upload of the same bytes finds them there while the sweep runs, and has its row already.
        assert put(store, b"found") == found
        assert store.remove([old, found, pending, "0" * 64], 0.0) == 1
    assert all_hashes(store) == {found, pending}
    store.begin_sweep()
    assert store.remove([found, pending], 0.0) == 2


def test_files_of_other_names_are_left_alone(store: ContentStore, tmp_path: Path) -> None:
    sha256 = put(store, b"x")
    folder = tmp_path / "files" / sha256[:2]
    (folder / "notes.txt").write_text("mine")
    (folder / ("f" * 64 if sha256[0] != "f" else "0" * 64)).write_text("in the wrong folder")
    assert all_hashes(store) == {sha256}


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_can_not_be_written_is_an_error(store: ContentStore, tmp_path: Path) -> None:
    (tmp_path / "tmp").chmod(0o500)
    with pytest.raises(PermissionError):
        store.draft()


def test_bytes_older_than_the_database_are_left_to_the_one_that_was_before(store: ContentStore) -> None:
    old, new = put(store, b"old"), put(store, b"new")
    os.utime(store.path(old), (1000.0, 1000.0))
    store.begin_sweep()
    assert store.remove([old, new], 2000.0) == 1
    assert all_hashes(store) == {old}


def test_bytes_whose_row_was_refused_are_taken_back_unless_another_found_them(store: ContentStore) -> None:
    def draft() -> Draft:
        made = store.draft()
        made.write(b"same")
        made.finish()
        return made

    first, second = draft(), draft()
    with store.keeping(first.sha256):
        assert store.put(first)
        with store.keeping(second.sha256):
            assert not store.put(second)
        store.take_back(first.sha256)
    assert all_hashes(store) == {first.sha256}
    store.path(first.sha256).unlink()
    with store.keeping(first.sha256):
        assert store.put(draft())
        store.take_back(first.sha256)
    assert all_hashes(store) == set()
