"""Helpers of the backup tests: a vault without secrets, and notes straight into a file."""

from __future__ import annotations

from pathlib import Path

from server.backup.sealing import SealedSecrets
from server.db.connection import connect


class NoSecrets:
    """A vault with nothing in it."""

    def sealed(self, database: Path) -> SealedSecrets:
        return SealedSecrets(None, ())


def add_notes(database: Path, number: int) -> None:
    """Notes straight into the file, as if a server had written them."""
    connection = connect(database)
    try:
        for index in range(number):
            connection.execute(
                "INSERT INTO notes (title, done, tags, created_at, updated_at) VALUES (?, 0, '[]', ?, ?)",
                (f"Note {index}", "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z"),
            )
    finally:
        connection.close()
