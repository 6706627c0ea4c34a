"""The whole way to a second computer in two commands, between two homes that share nothing but a file and a phrase."""

from __future__ import annotations

import json
import sqlite3
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from gridbear_process import Gridbear, run_info

pytestmark = pytest.mark.slow
PHRASE = "legal winner thank year wave sausage worth useful legal winner thank yellow"
CANARY = "canary-7d1f-secret"
PASSWORD = "a calm bear in a den\n"


@pytest.fixture
def computers(tmp_path: Path) -> Iterator[tuple[Gridbear, Gridbear]]:
    """Two computers: an own home, data folder and key each."""
    found = []
    for name in ("old", "new"):
        one = Gridbear(tmp_path / name / "data")
        one.env |= {"HOME": str(tmp_path / name), "GRIDBEAR_KEY_STORE": "file"}
        found.append(one)
    yield found[0], found[1]
    for one in found:
        one.end()


def done(gridbear: Gridbear, *words: str, stdin: str = "") -> str:
    answer = gridbear.cli(*words, stdin=stdin)
    assert answer.returncode == 0, (words, answer.stdout, answer.stderr)
    return answer.stdout


def keys(data: Path) -> set[str]:
    return set(json.loads((data / "secrets" / "key-ring").read_text("utf-8"))["ring"]["keys"])


def rows(data: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(data / "gridbear.db")) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.parametrize("both_run", [False, True], ids=["stopped to fresh", "running to running"])
def test_two_commands_bring_everything_secrets_included(
    computers: tuple[Gridbear, Gridbear], tmp_path: Path, both_run: bool
) -> None:
    old, new = computers
    done(old, "user", "create", "maja", "--admin", "--password-stdin", stdin=PASSWORD)
    servers = tmp_path / "servers.json"
    servers.write_text(json.dumps({"mcpServers": {"clock": {"command": "clock", "env": {"API_KEY": CANARY}}}}), "utf-8")
    done(old, "import-servers", str(servers), "--yes")
    notes = tmp_path / "notes.csv"
    notes.write_text("title\nfirst\nsecond\n", "utf-8")
    done(old, "import", "notes", str(notes))
    token = done(old, "token", "create", "maja").splitlines()[-1]
    done(old, "secrets", "phrase", "--phrase-stdin", stdin=PHRASE)
    if both_run:
        old.ready(old.serve("--port", "0"))
        done(new, "user", "create", "somebody", "--admin", "--password-stdin", stdin=PASSWORD)
        new.ready(new.serve("--port", "0"))

    # The two commands.
    file = tmp_path / "house.gridbear"
    done(old, "export", "--everything", str(file))
    out = done(new, "import", str(file), "--phrase-stdin", "--yes", stdin=PHRASE)
    assert "restored" in out

    raw = file.read_bytes()
    assert CANARY.encode() not in raw and PHRASE.encode() not in raw
    with zipfile.ZipFile(file) as archive:
        assert not any(CANARY.encode() in archive.read(name) for name in archive.namelist())
    if both_run:
        assert "maja" in done(old, "user", "list"), "the old one goes on"
    assert "somebody" not in done(new, "user", "list")
    assert "second" in done(new, "export", "notes", "--format", "csv")
    # Signed in by the same token, and the secret opens under the keys of here.
    info = run_info(new.data_dir) or new.ready(new.serve("--port", "0"))

    def asked(path: str, bearer: str) -> Any:
        request = urllib.request.Request(info["url"] + path, headers={"Authorization": f"Bearer {bearer}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    assert asked("/api/v1/notes", token)["count"] == 2
    secret = (new.data_dir / "secrets" / "internal-api").read_text("utf-8").strip()
    [name] = asked("/api/internal/secrets", secret)["data"]["keys"]
    assert asked(f"/api/internal/secrets/{name}", secret)["data"]["value"] == CANARY
    assert keys(old.data_dir) != keys(new.data_dir)
    sealed_there = rows(old.data_dir, "SELECT value FROM secrets")
    sealed_here = rows(new.data_dir, "SELECT value FROM secrets")
    assert sealed_there and CANARY not in str(sealed_there) and CANARY not in str(sealed_here)


def test_a_wrong_phrase_and_none_change_nothing(computers: tuple[Gridbear, Gridbear], tmp_path: Path) -> None:
    old, new = computers
    done(old, "user", "create", "maja", "--admin", "--password-stdin", stdin=PASSWORD)
    done(old, "secrets", "phrase", "--phrase-stdin", stdin=PHRASE)
    servers = tmp_path / "servers.json"
    servers.write_text(json.dumps({"mcpServers": {"clock": {"command": "clock", "env": {"API_KEY": CANARY}}}}), "utf-8")
    done(old, "import-servers", str(servers), "--yes")
    file = tmp_path / "house.gridbear"
    done(old, "export", "--everything", str(file))
    done(new, "user", "create", "somebody", "--admin", "--password-stdin", stdin=PASSWORD)
    for words, stdin in (
        (["--phrase-stdin"], "abandon " * 11 + "about"),
        ([], ""),
    ):
        refused = new.cli("import", str(file), "--yes", *words, stdin=stdin)
        assert refused.returncode == 1 and "phrase" in refused.stderr
        assert done(new, "user", "list").split()[0] == "somebody"
    assert not list((new.data_dir / "backups").glob("upload-*"))
