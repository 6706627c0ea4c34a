"""A backup holds everything a person would miss, and is checked before it counts."""

from __future__ import annotations

import json
import threading
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from server.backup.archive_format import DATABASE
from server.backup.archive_reader import Archive
from server.backup.archive_writer import Stopped
from server.backup.contents import Contents, folder_contents
from server.backup.making import Maker, Order, moment_name
from server.db.connection import connect
from server.db.copying import copy_database
from server.errors import StorageFull
from tests.server.backup.tests_backup_support import NoSecrets, add_notes

MOMENT = datetime(2026, 11, 24, 18, 45, 1, 250_000, tzinfo=UTC)


def order(data: Path) -> Order:
    return Order(data / "backups" / f"{moment_name('backup', MOMENT)}.zip", "backup", "manual", "ada", MOMENT)


def test_a_backup_holds_database_files_and_plugins_and_nothing_else(data: Path) -> None:
    wanted = order(data)
    manifest = Maker(data, NoSecrets()).make(wanted, threading.Event())

    assert wanted.target.name == "backup-20261124T184501250Z.zip"
    with zipfile.ZipFile(wanted.target) as archive:
        assert sorted(archive.namelist()) == [
            DATABASE,
            "files/ab/picture",
            "manifest.json",
            "plugins/weather/manifest.json",
        ]
        told = json.loads(archive.read("manifest.json"))
    assert told["counts"]["notes"] == 3 and told["made_at"] == "2026-11-24T18:45:01.250Z"
    assert told["made_by"] == "ada" and manifest.counts == told["counts"]
    assert {member["name"]: member["size"] for member in told["members"]}["files/ab/picture"] == 512_000
    # Nothing is left of the making.
    assert list((data / "tmp").iterdir()) == []
    assert [path.name for path in (data / "backups").iterdir()] == [wanted.target.name]


def test_what_is_in_the_wal_is_in_the_backup(data: Path) -> None:
    held = connect(data / "gridbear.db")
    try:
        add_notes(data / "gridbear.db", 2)
        assert (data / "gridbear.db-wal").stat().st_size > 0
        assert Maker(data, NoSecrets()).make(order(data), threading.Event()).counts["notes"] == 5
    finally:
        held.close()


def test_progress_goes_up_to_the_end(data: Path) -> None:
    told: list[float] = []
    Maker(data, NoSecrets()).make(order(data), threading.Event(), told.append)
    assert told == sorted(told) and told[0] > 0 and told[-1] <= 1.0 and told[-1] > 0.6


def test_a_disk_that_is_too_small_is_told_before_anything_is_written(data: Path) -> None:
    with pytest.raises(StorageFull, match="Nothing was written"):
        Maker(data, NoSecrets(), free=lambda _: 1 << 20).make(order(data), threading.Event())
    assert list((data / "backups").iterdir()) == [] and list((data / "tmp").iterdir()) == []


def test_a_stopped_backup_leaves_nothing_behind(data: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        Maker(data, NoSecrets()).make(order(data), stop)
    assert list((data / "backups").iterdir()) == [] and list((data / "tmp").iterdir()) == []


def test_what_cannot_move_is_listed(data: Path) -> None:
    (data / "plugins" / "weather" / "elsewhere").symlink_to("/etc")
    (data / "plugins" / "weather" / "a:b").write_text("no name for Windows")
    connection = connect(data / "gridbear.db")
    connection.execute(
        "INSERT INTO mcp_servers (name, transport, command, args, enabled, visibility, sign_in,"
        " created_at, updated_at)"
        " VALUES ('files', 'stdio', 'npx', '[\"/home/ada/documents\"]', 1, 'admins', 'shared', ?, ?)",
        ("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z"),
    )
    connection.execute(
        "INSERT INTO files (name, content_type, size, sha256, created_at, updated_at) VALUES ('a', 'b', 1, ?, ?, ?)",
        ("0" * 64, "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z"),
    )
    connection.close()
    manifest = Maker(data, NoSecrets(), ["base_path", "host", "data_dir"]).make(order(data), threading.Event())
    told = {missing.what: missing.why for missing in manifest.not_included}
    assert set(told) == {
        "plugins/weather/elsewhere", "plugins/weather/a:b", "MCP server files", "setting base_path", f"file {'0' * 64}"
    }  # fmt: skip
    assert "/home/ada/documents" in told["MCP server files"]


def test_an_upload_that_lands_while_the_database_is_copied_is_in_the_backup(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = "ab" * 32

    def copied(database: Path, copy: Path, *rest: Any) -> None:
        # As a server does it: first the bytes, then the row.
        (data / "files" / "ab" / sha256).write_bytes(b"just in time")
        connection = connect(database)
        connection.execute(
            "INSERT INTO files (name, content_type, size, sha256, created_at, updated_at)"
            " VALUES ('a', 'b', 12, ?, ?, ?)",
            (sha256, "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z"),
        )
        connection.close()
        copy_database(database, copy, *rest)

    monkeypatch.setattr("server.backup.making.copy_database", copied)
    manifest = Maker(data, NoSecrets()).make(order(data), threading.Event())
    assert manifest.counts["files"] == 1 and manifest.not_included == []
    assert f"files/ab/{sha256}" in {member.name for member in manifest.members}


def test_a_file_that_vanishes_while_the_backup_is_written_is_told(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = connect(data / "gridbear.db")
    connection.execute(
        "INSERT INTO files (name, content_type, size, sha256, created_at, updated_at) VALUES ('a', 'b', 1, ?, ?, ?)",
        ("picture", "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z"),
    )
    connection.close()

    def listed(folder: Path) -> Contents:
        found = folder_contents(folder)
        (data / "files" / "ab" / "picture").unlink(missing_ok=True)
        return found

    listings = iter([folder_contents, listed])
    monkeypatch.setattr("server.backup.making.folder_contents", lambda folder: next(listings)(folder))
    manifest = Maker(data, NoSecrets()).make(order(data), threading.Event())
    assert [missing.what for missing in manifest.not_included] == ["file picture"]


def test_what_was_written_is_verified_by_reading_it_again(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Path] = []
    verify = Archive.verify

    def watched(archive: Archive, *arguments: object) -> None:
        seen.append(archive.path)
        verify(archive, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Archive, "verify", watched)
    Maker(data, NoSecrets()).make(order(data), threading.Event())
    assert len(seen) == 1
