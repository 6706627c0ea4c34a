"""An archive may come from anywhere: whatever is wrong with one is found before anything is unpacked."""

from __future__ import annotations

import hashlib
import json
import threading
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from server.backup.archive_format import DATABASE, BadArchive, is_member_name
from server.backup.archive_reader import Archive
from server.backup.making import Maker, Order
from server.errors import StorageFull
from tests.server.backup.tests_backup_support import NoSecrets

Change = Callable[[dict[str, bytes], dict[str, Any]], None]


@pytest.fixture
def good(data: Path) -> Path:
    target = data / "backups" / "backup-1.zip"
    Maker(data, NoSecrets()).make(Order(target, "backup", "manual", "ada", datetime.now(UTC)), threading.Event())
    return target


def check(path: Path, tmp: Path) -> None:
    with Archive(path) as archive:
        archive.verify(tmp, threading.Event())


def rewritten(good: Path, change: Change) -> Path:
    """The archive once more, after `change` of its members and manifest; hashes are as the manifest has them then."""
    with zipfile.ZipFile(good) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members.pop("manifest.json"))
    change(members, manifest)
    target = good.with_name("changed.zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.writestr("manifest.json", json.dumps(manifest))
    return target


def listed(name: str, content: bytes) -> dict[str, Any]:
    return {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def add(name: str, content: bytes = b"x") -> Change:
    def change(members: dict[str, bytes], manifest: dict[str, Any]) -> None:
        members[name] = content
        manifest["members"].append(listed(name, content))

    return change


def set_to(key: str, value: Any) -> Change:
    def change(_: dict[str, bytes], manifest: dict[str, Any]) -> None:
        manifest[key] = value

    return change


def test_a_good_one_passes(good: Path, tmp_path: Path) -> None:
    check(good, tmp_path)
    check(rewritten(good, lambda members, manifest: None), tmp_path)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_one_is_refused(good: Path, tmp_path: Path, part: float) -> None:
    whole = good.read_bytes()
    good.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(BadArchive):
        check(good, tmp_path)


def test_a_flipped_bit_is_found_wherever_it_is(good: Path, tmp_path: Path) -> None:
    whole = good.read_bytes()
    with zipfile.ZipFile(good) as archive:
        starts = {info.filename: info.header_offset for info in archive.infolist()}
        sizes = {info.filename: info.compress_size for info in archive.infolist()}
    for name, start in starts.items():
        place = start + 30 + len(name) + 20 + sizes[name] // 2
        flipped = bytearray(whole)
        flipped[place] ^= 4
        good.write_bytes(flipped)
        with pytest.raises(BadArchive):
            check(good, tmp_path)
    assert list(tmp_path.glob("check-*")) == []


@pytest.mark.parametrize(
    "name",
    [
        "files/../../outside", "/etc/passwd", "files//etc/passwd", "../gridbear.db", "files/a\\..\\..\\b", "files/C:x",
        "plugins/./x", "plugins/a/../b", "run/server.json", "files/", "gridbear.db", "files/a\x00b", "files/a.", "x",
    ],
)  # fmt: skip
def test_a_member_that_would_leave_its_folder_is_refused(good: Path, tmp_path: Path, name: str) -> None:
    assert not is_member_name(name)
    with pytest.raises(BadArchive):
        check(rewritten(good, add(name)), tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda members, manifest: members.update({"files/more": b"not in the manifest"}),
        lambda members, manifest: members.pop("files/ab/picture"),
        lambda members, manifest: manifest["members"].append(listed("files/nowhere", b"")),
        lambda members, manifest: manifest["members"].append(manifest["members"][0]),
        lambda members, manifest: manifest["members"][1].update(sha256="0" * 64),
        lambda members, manifest: manifest["members"][1].update(size=1),
        lambda members, manifest: members.update({"files/ab/picture": b"other"}),
        lambda members, manifest: manifest["counts"].update(notes=4),
        lambda members, manifest: manifest["counts"].pop("notes"),
        lambda members, manifest: members.update({DATABASE: members[DATABASE][:-4096]}),
        lambda members, manifest: manifest["members"].clear(),
        set_to("format", "other"),
        set_to("counts", None),
    ],
)
def test_what_the_manifest_does_not_say_is_refused(good: Path, tmp_path: Path, change: Change) -> None:
    with pytest.raises(BadArchive):
        check(rewritten(good, change), tmp_path)


@pytest.mark.parametrize("key", ["schema_version", "format_version"])
def test_one_of_a_newer_program_is_refused_with_the_way_out(good: Path, key: str) -> None:
    with pytest.raises(BadArchive, match="newer program") as caught:
        Archive(rewritten(good, set_to(key, 999)))
    assert caught.value.code == "newer_backup"


def test_a_database_that_is_damaged_but_hashed_well_is_refused(good: Path, tmp_path: Path) -> None:
    def damage(members: dict[str, bytes], manifest: dict[str, Any]) -> None:
        broken = bytearray(members[DATABASE])
        broken[4096 * 3 : 4096 * 20] = b"\xff" * (4096 * 17)
        members[DATABASE] = bytes(broken)
        manifest["members"] = [m for m in manifest["members"] if m["name"] != DATABASE]
        manifest["members"].append(listed(DATABASE, members[DATABASE]))

    with pytest.raises(BadArchive, match="damaged"):
        check(rewritten(good, damage), tmp_path)


def test_a_link_is_refused(good: Path, tmp_path: Path) -> None:
    target = rewritten(good, lambda members, manifest: manifest["members"].append(listed("files/link", b"/etc")))
    with zipfile.ZipFile(target, "a") as archive:
        info = zipfile.ZipInfo("files/link")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc")
    with pytest.raises(BadArchive, match="no plain file"):
        check(target, tmp_path)


def test_a_member_that_gives_more_than_it_says_is_stopped(good: Path, tmp_path: Path) -> None:
    """A zip bomb may lie in both places; what comes out is counted."""
    bomb = b"\0" * 50_000_000

    def change(members: dict[str, bytes], manifest: dict[str, Any]) -> None:
        members["files/bomb"] = bomb
        manifest["members"].append(listed("files/bomb", bomb[:100]))

    target = rewritten(good, change)
    with pytest.raises(BadArchive):
        check(target, tmp_path)
    raw = target.read_bytes()
    assert raw.count(len(bomb).to_bytes(4, "little")) >= 1
    target.write_bytes(raw.replace(len(bomb).to_bytes(4, "little"), (100).to_bytes(4, "little")))
    with pytest.raises(BadArchive, match="damaged"):
        check(target, tmp_path)


def test_a_database_larger_than_the_disk_is_not_unpacked(good: Path, tmp_path: Path) -> None:
    with Archive(good) as archive, pytest.raises(StorageFull):
        archive.verify(tmp_path, threading.Event(), free=lambda _: 1 << 20)
    assert list(tmp_path.glob("check-*")) == []


def test_a_file_that_is_no_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    with pytest.raises(BadArchive, match="no backup"):
        Archive(path)
