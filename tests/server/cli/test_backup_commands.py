"""`gridbear backup`, `restore`, `export --everything`, `import FILE`: on a folder, and beside a running server."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import random
import signal
import sqlite3
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gridbear_desktop.commands import run
from tests.gridbear_desktop.gridbear_process import Gridbear

Command = Callable[..., int]
PASSWORD = "a calm bear in a den"


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `gridbear` in this process, on a folder with one admin."""
    monkeypatch.setenv("GRIDBEAR_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("GRIDBEAR_KEY_STORE", "file")
    monkeypatch.setattr("server.cli.commands._password", lambda _: PASSWORD)
    assert run(["user", "create", "maja", "--admin"]) == 0
    return lambda *arguments: run([str(argument) for argument in arguments])


def said(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def users(data: Path) -> list[str]:
    with closing(sqlite3.connect(data / "gridbear.db")) as connection:
        return [row[0] for row in connection.execute("SELECT username FROM users ORDER BY id")]


def test_a_backup_is_made_listed_checked_and_restored(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    assert command("backup") == 1
    assert "gridbear secrets phrase" in capsys.readouterr().err
    assert command("backup", "--without-phrase", "--to", tmp_path / "copy.zip") == 0
    assert "is made and checked" in capsys.readouterr().out
    [kept] = (data / "backups").glob("*.zip")
    assert (tmp_path / "copy.zip").read_bytes() == kept.read_bytes()
    assert command("backup", "--without-phrase", "--to", tmp_path / "copy.zip") == 3
    assert len(list((data / "backups").glob("*.zip"))) == 1

    assert command("backup", "list") == 0
    assert kept.name in capsys.readouterr().out
    assert command("backup", "check", kept.name) == 0
    assert command("backup", "check", tmp_path / "copy.zip") == 0
    assert "is whole" in capsys.readouterr().out

    assert run(["user", "create", "otto"]) == 0
    assert command("restore", kept.name, "--dry-run") == 0
    assert users(data) == ["maja", "otto"]
    capsys.readouterr()
    assert command("restore", kept.name, "--yes") == 0
    out = capsys.readouterr().out
    assert [line.split() for line in out.splitlines() if line.startswith("users")][-1] == ["users", "1", "1"]
    assert users(data) == ["maja"]
    assert command("restore", "--undo", "--yes") == 0
    assert users(data) == ["maja", "otto"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["restore"], "Name one of these"),
        (["restore", "x.zip", "--undo"], "Name one of these"),
        (["restore", "nowhere.zip"], "no backup and no file"),
        (["restore", "--undo", "--yes"], "no restore to undo"),
        (["restore", "--before-upgrade", "--yes"], "No upgrade has kept a file"),
        (["backup", "check", "nowhere.zip"], "no backup and no file"),
        (["import", "nowhere.zip"], "There is no file nowhere.zip"),
        (["export", "--everything", "notes", "notes.csv"], "nothing else"),
    ],
)
def test_wrong_use_says_what_to_do(
    command: Command, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(*arguments) == 1
    assert told in capsys.readouterr().err


def test_garbage_is_named_and_nothing_changes(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "letter.txt").write_text("Dear bear")
    for words in (("restore",), ("import",), ("backup", "check")):
        assert command(*words, tmp_path / "letter.txt", *(() if words[0] == "backup" else ("--yes",))) == 1
        assert "letter.txt is no backup" in capsys.readouterr().err
    assert users(tmp_path / "data") == ["maja"]
    assert list((tmp_path / "data" / "backups").glob("*.zip")) == []


def test_moving_house_wants_the_phrase(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stranger with the file and the phrase has everything; without the phrase nothing is touched."""
    from server.records.sealing import stored_form
    from server.secrets.key_ring import Place
    from server.secrets.key_store import KeyStore
    from server.secrets.vault import open_vault

    data = tmp_path / "data"
    vault = open_vault(KeyStore(data / "secrets", "file"), frozenset())
    phrase = vault.propose_phrase()
    vault.confirm_phrase(phrase)
    value = stored_form(vault.seal('{"KEY": "canary"}', Place("mcp_servers", "env", 1)), is_json=True)
    with closing(sqlite3.connect(data / "gridbear.db", isolation_level=None)) as connection:
        connection.execute(
            "INSERT INTO mcp_servers (id, name, transport, command, args, env, enabled, visibility, sign_in,"
            " created_at, updated_at) VALUES (1, 'clock', 'stdio', '/opt/clock', '[]', ?, 1, 'admins', 'shared', ?, ?)",
            (value, *["2026-01-01T00:00:00.000Z"] * 2),
        )
    assert command("export", "--everything", tmp_path / "house.gridbear") == 0
    assert "/opt/clock may not be on another computer" in capsys.readouterr().out
    assert list((data / "backups").glob("*.zip")) == []

    new = tmp_path / "new"
    monkeypatch.setenv("GRIDBEAR_DATA_DIR", str(new))
    said("", monkeypatch)
    assert command("import", tmp_path / "house.gridbear", "--yes") == 1
    assert "--phrase-stdin" in capsys.readouterr().err
    said("legal winner thank year wave sausage worth useful legal winner thank yellow\n", monkeypatch)
    assert command("import", tmp_path / "house.gridbear", "--yes", "--phrase-stdin") == 1
    assert "recovery phrase" in capsys.readouterr().err
    assert users(new) == [] and list((new / "backups").glob("*.zip")) == []
    said(f"{phrase}\n", monkeypatch)
    assert command("import", tmp_path / "house.gridbear", "--yes", "--phrase-stdin") == 0
    assert "/opt/clock may not be on another computer" in capsys.readouterr().out
    assert users(new) == ["maja"]
    there = open_vault(KeyStore(new / "secrets", "file"), frozenset({vault.current}))
    assert there.open(value[1:-1], Place("mcp_servers", "env", 1)) == '{"KEY": "canary"}'


def test_on_a_fresh_folder_all_but_the_secrets_comes_when_nothing_opens_them(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_secret(tmp_path / "data")
    assert command("backup", "--without-phrase", "--to", tmp_path / "b.zip") == 0
    assert command("export", "--everything", tmp_path / "house.gridbear", "--without-phrase") == 0
    for words, file in (("restore", "b.zip"), ("import", "house.gridbear")):
        new = tmp_path / words
        monkeypatch.setenv("GRIDBEAR_DATA_DIR", str(new))
        capsys.readouterr()
        assert command(words, tmp_path / file, "--dry-run") == 0
        assert "secrets.value: 1" in capsys.readouterr().out
        assert command(words, tmp_path / file, "--yes") == 1
        assert "--without-secrets" in capsys.readouterr().err and users(new) == []
        assert command(words, tmp_path / file, "--yes", "--without-secrets") == 0
        out = capsys.readouterr().out
        assert "want your attention" in out and out.count("secrets.value: 1") == 2
        assert users(new) == ["maja"]


def test_a_damaged_folder_with_its_key_wants_no_phrase_for_its_own_backup(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    put_secret(data)
    assert command("backup", "--without-phrase") == 0
    [kept] = (data / "backups").glob("*.zip")
    (data / "gridbear.db").write_bytes(b"GridBear was here" * 1000)
    assert command("restore", kept.name, "--yes") == 0, capsys.readouterr().err
    assert "attention" not in capsys.readouterr().out
    assert users(data) == ["maja"]


def put_secret(data: Path) -> None:
    """A secret that is sealed under the key of the folder."""
    from server.secrets.key_ring import Place
    from server.secrets.key_store import KeyStore
    from server.secrets.vault import open_vault

    vault = open_vault(KeyStore(data / "secrets", "file"), frozenset())
    with closing(sqlite3.connect(data / "gridbear.db", isolation_level=None)) as connection:
        connection.execute(
            "INSERT INTO secrets (id, name, value, created_at, updated_at) VALUES (1, 'weather', ?, ?, ?)",
            (vault.seal("canary", Place("secrets", "value", 1)), *["2026-01-01T00:00:00.000Z"] * 2),
        )


def test_a_folder_whose_database_is_damaged_can_be_restored(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    assert command("backup", "--without-phrase") == 0
    [kept] = (data / "backups").glob("*.zip")
    (data / "gridbear.db").write_bytes(b"GridBear was here" * 1000)
    assert command("restore", kept.name, "--yes") == 0, capsys.readouterr().err
    assert users(data) == ["maja"]
    [state] = (data / "before-restore").iterdir()
    assert (state / "gridbear.db").read_bytes().startswith(b"GridBear was here")


@pytest.fixture
def gridbear(tmp_path: Path) -> Iterator[Gridbear]:
    processes = Gridbear(tmp_path / "data")
    processes.env["GRIDBEAR_KEY_STORE"] = "file"
    yield processes
    processes.end()


def done(gridbear: Gridbear, *arguments: str) -> str:
    ended = gridbear.cli(*arguments, stdin=f"{PASSWORD}\n")
    assert ended.returncode == 0, (arguments, ended.stdout, ended.stderr)
    return ended.stdout


@pytest.mark.slow
def test_beside_a_running_server_it_starts_again_by_itself(gridbear: Gridbear) -> None:
    done(gridbear, "user", "create", "maja", "--admin", "--password-stdin")
    process = gridbear.serve("--port", "0")
    info = gridbear.ready(process)
    made = json.loads(done(gridbear, "backup", "--without-phrase", "--json"))
    done(gridbear, "user", "create", "otto", "--password-stdin")
    report = json.loads(done(gridbear, "restore", made["name"], "--yes", "--json").splitlines()[-1])
    assert report["outcome"] == "restored"
    assert gridbear.ready(process) == info and process.poll() is None
    assert users(gridbear.data_dir) == ["maja"]
    done(gridbear, "restore", "--undo", "--yes")
    assert users(gridbear.data_dir) == ["maja", "otto"]
    done(gridbear, "user", "create", "anna", "--password-stdin")
    # A file from elsewhere goes to the server, which takes it in itself and keeps nothing that was not wanted.
    elsewhere = gridbear.data_dir.parent / "elsewhere.zip"
    (gridbear.data_dir / "backups" / made["name"]).rename(elsewhere)
    done(gridbear, "restore", str(elsewhere), "--dry-run")
    assert list((gridbear.data_dir / "backups").glob("upload*")) == []
    done(gridbear, "restore", str(elsewhere), "--yes")
    assert users(gridbear.data_dir) == ["maja"]
    assert len(list((gridbear.data_dir / "backups").glob("upload*.zip"))) == 1
    refused = gridbear.cli("restore", "--before-upgrade", "--yes")
    assert refused.returncode == 2 and "already uses the data folder" in refused.stderr
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def ask_to_restore(info: dict[str, Any], name: str) -> None:
    request = urllib.request.Request(
        f"{info['url']}/api/v1/backups/{name}/restore",
        data=b"{}",
        headers={"Authorization": f"Bearer {info['control_token']}"},
    )
    # It is killed meanwhile.
    with contextlib.suppress(OSError, http.client.HTTPException):
        urllib.request.urlopen(request, timeout=10).close()


@pytest.mark.slow
def test_a_server_killed_at_random_moments_of_a_restore_is_all_old_or_all_new(gridbear: Gridbear) -> None:
    done(gridbear, "user", "create", "maja", "--admin", "--password-stdin")
    made: dict[str, Any] = json.loads(done(gridbear, "backup", "--without-phrase", "--json"))
    done(gridbear, "user", "create", "otto", "--password-stdin")
    (gridbear.data_dir / "plugins" / "word").mkdir()
    word = gridbear.data_dir / "plugins" / "word" / "word.txt"
    chance = random.Random(7)
    for _ in range(6):
        word.parent.mkdir(exist_ok=True)
        word.write_text("now")
        process = gridbear.serve("--port", "0")
        info = gridbear.ready(process)
        asking = threading.Thread(target=ask_to_restore, args=(info, made["name"]))
        asking.start()
        # Staging, the exchange and the new start take about a second.
        time.sleep(chance.uniform(0, 1.2))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        asking.join()
        again = gridbear.serve("--port", "0")
        gridbear.ready(again)
        found = (users(gridbear.data_dir), word.exists())
        assert found in ((["maja"], False), (["maja", "otto"], True)), found
        again.send_signal(signal.SIGTERM)
        assert again.wait(10) == 0
        assert not (gridbear.data_dir / "restore" / "intent.json").exists()
        if found[0] == ["maja"]:
            done(gridbear, "restore", "--undo", "--yes")
