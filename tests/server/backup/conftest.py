"""A data folder with something in it, as backups see it: no server, a real database."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.data_folder import DataFolder
from server.db.migrate import migrate
from server.models.base import Base
from server.models.catalogue import OWN_MODELS
from tests.server.backup.tests_backup_support import add_notes


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with three notes, two files and a plugin."""
    assert OWN_MODELS
    folder = DataFolder(tmp_path / "data")
    folder.open()
    migrate(folder.database, Base.metadata, folder.path / "backups")
    (folder.path / "backups").mkdir()
    (folder.path / "files" / "ab").mkdir(parents=True)
    (folder.path / "files" / "ab" / "picture").write_bytes(bytes(range(256)) * 2000)
    (folder.path / "files" / "ab" / "left.part").write_bytes(b"half an upload")
    (folder.plugins / "weather" / "__pycache__").mkdir(parents=True)
    (folder.plugins / "weather" / "__pycache__" / "x.pyc").write_bytes(b"old")
    (folder.plugins / "weather" / "manifest.json").write_text('{"name": "Weather"}')
    (folder.logs / "server.log").write_text("noise")
    (folder.run / "server.json").write_text("{}")
    (folder.secrets / "internal-api").write_text("not for others")
    add_notes(folder.database, 3)
    return folder.path
