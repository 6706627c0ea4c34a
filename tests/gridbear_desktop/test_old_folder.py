"""A data folder of the first release, with all that people keep in one: this program starts on it and keeps it all."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from gridbear_process import Gridbear

from server import __version__
from tests.server.db.next_schema import first_release

pytestmark = pytest.mark.slow
TOKEN = "gb_" + "a" * 43
KEPT = ("users", "notes", "mcp_servers", "api_tokens", "tasks", "settings")


def made_by_the_first_release(folder: Path) -> dict[str, bytes]:
    """The folder; its files by name, without the database."""
    beside = {
        "plugins/mine/manifest.json": b'{"name": "mine", "version": "1.0"}',
        "plugins/mine/README.md": b"mine",
        "backups/backup-2026-01-01.zip": b"no zip that anybody can read any more",
        "secrets/internal-api": b"a-secret-that-programs-know",
        "logs/server.log": b"what happened\n",
        "run/window.json": b'{"width": 900, "height": 700, "x": 1, "y": 2}',
        "letter.txt": b"put here by somebody",
    }
    for name, text in beside.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text)
    first_release(folder / "gridbear.db")
    with closing(sqlite3.connect(folder / "gridbear.db", isolation_level=None)) as connection:
        token_hash = hashlib.sha256(TOKEN.encode()).hexdigest()
        connection.execute("UPDATE api_tokens SET token_hash = ? WHERE id = 2", (token_hash,))
    return beside


def counted(database: Path) -> dict[str, int]:
    with closing(sqlite3.connect(database)) as connection:
        return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in KEPT}


def test_it_starts_and_everything_is_there(gridbear: Gridbear) -> None:
    folder = gridbear.data_dir
    beside = made_by_the_first_release(folder)
    before, old = counted(folder / "gridbear.db"), (folder / "gridbear.db").read_bytes()
    server = gridbear.serve("--port", "0")
    info = gridbear.ready(server)
    assert info["version"] == __version__

    def asked(path: str) -> Any:
        request = urllib.request.Request(info["url"] + path, headers={"Authorization": f"Bearer {TOKEN}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    # The token of the old days lets its owner in, to their notes.
    assert asked("/api/v1/notes?limit=1")["count"] > 0
    server.terminate()
    assert server.wait(30) == 0
    after = counted(folder / "gridbear.db")
    assert {name: after[name] for name in ("users", "notes", "mcp_servers", "api_tokens")} == {
        name: before[name] for name in ("users", "notes", "mcp_servers", "api_tokens")
    }
    assert all(after[name] >= before[name] for name in KEPT)
    assert {name: (folder / name).read_bytes() for name in beside} == beside
    [kept] = (folder / "backups").glob("before-upgrade-*.db")
    assert counted(kept) == before and len(kept.read_bytes()) >= len(old) // 2
    assert (folder / "logs" / "crash.log").read_text("utf-8") == ""

    # Once more: nothing is left to upgrade.
    gridbear.ready(gridbear.serve("--port", "0"))
    assert len(list((folder / "backups").glob("before-upgrade-*.db"))) == 1


def test_it_moves_to_another_place_before_it_was_ever_upgraded(gridbear: Gridbear, tmp_path: Path) -> None:
    beside = made_by_the_first_release(gridbear.data_dir)
    before = counted(gridbear.data_dir / "gridbear.db")
    new = tmp_path / "new"
    assert gridbear.cli("data", "move", str(new), "--yes").returncode == 0
    assert counted(new / "gridbear.db") == before
    assert {name: (new / name).read_bytes() for name in beside} == beside
    old, gridbear.data_dir = gridbear.data_dir, new
    gridbear.ready(gridbear.serve("--port", "0", "--data-dir", str(old)))
