"""Opening a file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import psutil
import pytest

from server.db.connection import connect


def test_a_file_that_is_no_database_is_not_left_open(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_bytes(b"no database at all " * 1000)
    with pytest.raises(sqlite3.DatabaseError) as refused:
        connect(path)
    assert refused.value.args
    assert str(path) not in [file.path for file in psutil.Process().open_files()]
