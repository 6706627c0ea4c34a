"""The way back from an upgrade."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from server.data_folder import DataFolder
from server.db.before_upgrade import restore_before_upgrade
from server.db.connection import connect
from server.db.migrate import migrate
from server.errors import NotFound, StartupError
from server.models.base import Base
from tests.server.db.next_schema import first_release


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    """A folder whose database was upgraded from the first release and written to since."""
    folder = DataFolder(tmp_path / "data")
    folder.open()
    first_release(folder.database)
    migrate(folder.database, Base.metadata, folder.path / "backups")
    with closing(connect(folder.database)) as connection:
        connection.execute("UPDATE notes SET title = 'since' WHERE id = 1")
    return folder


def first_title(path: Path) -> tuple[int, str]:
    with closing(connect(path)) as connection:
        [version] = connection.execute("PRAGMA user_version").fetchone()
        return version, connection.execute("SELECT title FROM notes WHERE id = 1").fetchone()[0]


def test_the_file_from_before_is_back_and_the_one_of_now_is_kept(folder: DataFolder) -> None:
    put_back = restore_before_upgrade(folder)
    assert put_back.exists() and put_back.stat().st_nlink == 1
    assert first_title(folder.database) == (1, "Note 0 über Bären 🐻") == first_title(put_back)
    [of_now] = (folder.path / "backups").glob("before-return-*.db")
    assert first_title(of_now)[1] == "since" and of_now.stat().st_mode & 0o777 == 0o600
    assert not list(folder.path.glob("gridbear.db.*"))


def test_it_can_be_upgraded_again_and_gone_back_again(folder: DataFolder) -> None:
    for _ in range(5):
        restore_before_upgrade(folder)
        migrate(folder.database, Base.metadata, folder.path / "backups")
        assert first_title(folder.database) == (2, "Note 0 über Bären 🐻")
    kept = [path.name.rpartition("-")[0] for path in (folder.path / "backups").iterdir()]
    assert sorted(kept) == ["before-return"] * 3 + ["before-upgrade"] * 3


def test_without_an_upgrade_there_is_nothing_to_go_back_to(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.open()
    with pytest.raises(NotFound, match="gridbear restore"):
        restore_before_upgrade(folder)
    assert not folder.database.exists()


def test_a_kept_file_that_is_damaged_is_not_put_in_place(folder: DataFolder) -> None:
    [kept] = (folder.path / "backups").glob("before-upgrade-*.db")
    content = kept.read_bytes()
    kept.write_bytes(content[:8192] + b"\xff" * 4096 + content[12288:])
    before = folder.database.read_bytes()
    with pytest.raises(StartupError, match="is damaged"):
        restore_before_upgrade(folder)
    kept.write_bytes(b"x" * 5000)
    with pytest.raises(StartupError, match="not a GridBear database"):
        restore_before_upgrade(folder)
    assert folder.database.read_bytes() == before


def test_a_database_that_is_gone_or_ruined_comes_back_too(folder: DataFolder) -> None:
    folder.database.write_bytes(b"ruined" * 2000)
    restore_before_upgrade(folder)
    assert first_title(folder.database)[1].startswith("Note 0")
    folder.database.unlink()
    restore_before_upgrade(folder)
    assert first_title(folder.database)[1].startswith("Note 0")
