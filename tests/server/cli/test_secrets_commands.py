"""`gridbear secrets`: the phrase, a new key, and the ways out when the key is gone."""

from __future__ import annotations

import asyncio
import io
import os
import re
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gridbear_desktop.commands import run
from server.access.actor import SYSTEM
from server.app import create_app
from server.backup.archive_format import DATABASE, KEY_RING, Manifest
from server.backup.archive_writer import Source, write_archive
from server.config import Settings
from server.data_folder import DataFolder
from server.errors import StartupError
from server.secrets.phrase import new_phrase, unwrap
from tests.gridbear_desktop.gridbear_process import ROOT, Gridbear

VALUE = "canary-9d2e"
Command = Callable[..., int]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `gridbear secrets` in this process on a folder with one secret; `typed` goes to stdin."""
    monkeypatch.setenv("GRIDBEAR_DATA_DIR", str(tmp_path / "data"))

    def secrets(*arguments: str, typed: str = "") -> int:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        return run(["secrets", *arguments])

    DataFolder(tmp_path / "data").open()
    change(tmp_path, lambda records: records.create(SYSTEM, "secrets", {"name": "weather", "value": VALUE}))
    return secrets


def change(tmp_path: Path, act: Callable[[Any], Any]) -> None:
    async def go() -> None:
        app = create_app(Settings(data_dir=tmp_path / "data", key_store="file"))
        async with app.data():
            await act(app.records)

    asyncio.run(go())


def stored(tmp_path: Path) -> Any:
    found: list[Any] = []

    async def look(records: Any) -> None:
        found.append((await records.reveal(SYSTEM, "secrets", 1))["value"])

    change(tmp_path, look)
    return found[0]


def wrapped(tmp_path: Path) -> bytes:
    return (tmp_path / "data" / "secrets" / "key-ring.wrapped").read_bytes()


def test_a_phrase_from_stdin_is_in_force_and_a_wrong_one_is_not(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("phrase", "--phrase-stdin", typed="zoo zoo") == 1
    assert "these are 2" in capsys.readouterr().err
    assert not (tmp_path / "data" / "secrets" / "key-ring.wrapped").exists()
    phrase = new_phrase()
    assert command("phrase", "--phrase-stdin", typed=f"{phrase}\n") == 0
    told = capsys.readouterr()
    assert "in force since 20" in told.out
    assert phrase not in told.out + told.err
    unwrap(wrapped(tmp_path), phrase)


def test_without_a_terminal_nothing_is_shown_or_asked(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("phrase") == 1
    assert "--phrase-stdin" in capsys.readouterr().err
    phrase = new_phrase()
    command("phrase", "--phrase-stdin", typed=phrase)
    assert command("recover") == 1
    assert command("forget") == 0
    assert "nothing to forget" in capsys.readouterr().out


def test_a_new_key_seals_everything_anew_and_the_phrase_stays(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    phrase = new_phrase()
    command("phrase", "--phrase-stdin", typed=phrase)
    before = unwrap(wrapped(tmp_path), phrase)
    assert command("rotate") == 0
    assert "1 value is sealed under a new key" in capsys.readouterr().out
    after = unwrap(wrapped(tmp_path), phrase)
    assert after.current not in before.ids
    assert stored(tmp_path) == VALUE
    assert after.current.encode() in (tmp_path / "data" / "gridbear.db").read_bytes()


def test_the_phrase_brings_a_lost_key_back(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    phrase = new_phrase()
    command("phrase", "--phrase-stdin", typed=phrase)
    (tmp_path / "data" / "secrets" / "key-ring").unlink()
    with pytest.raises(StartupError):
        stored(tmp_path)
    assert command("recover", "--phrase-stdin", typed=new_phrase()) == 1
    assert "not the recovery phrase that was kept" in capsys.readouterr().err
    assert not (tmp_path / "data" / "secrets" / "key-ring").exists()
    assert command("recover", "--phrase-stdin", typed=phrase.upper()) == 0
    assert stored(tmp_path) == VALUE


def test_a_lost_key_comes_back_from_a_backup_too(command: Command, tmp_path: Path) -> None:
    phrase = new_phrase()
    command("phrase", "--phrase-stdin", typed=phrase)
    backup = tmp_path / "backup.zip"
    write_archive(
        backup,
        [Source(DATABASE, tmp_path / "data" / "gridbear.db"), Source(KEY_RING, wrapped(tmp_path))],
        lambda members: Manifest(
            format="gridbear-backup", format_version=1, kind="backup", reason="test", program_version="0", counts={},
            schema_version=1, made_at="2026-01-01T00:00:00Z", made_by="test", secrets="included", members=members,
            not_included=[],
        ),
        threading.Event(),
    )  # fmt: skip
    for left in (tmp_path / "data" / "secrets").iterdir():
        left.unlink()
    assert command("recover", "--phrase-stdin", typed=phrase) == 1
    assert command("recover", "--backup", str(backup), "--phrase-stdin", typed=phrase) == 0
    assert stored(tmp_path) == VALUE


def test_when_everything_is_lost_the_values_can_be_emptied(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    phrase = new_phrase()
    command("phrase", "--phrase-stdin", typed=phrase)
    (tmp_path / "data" / "secrets" / "key-ring").unlink()
    assert command("forget") == 1
    assert "1 in secrets.value" in capsys.readouterr().out
    with pytest.raises(StartupError):
        stored(tmp_path)
    assert command("forget", "--yes") == 0
    assert stored(tmp_path) == ""
    # Somebody may find the phrase after all: what it opens is kept.
    [lost] = (tmp_path / "data" / "secrets").glob("key-ring.wrapped.lost-*")
    unwrap(lost.read_bytes(), phrase)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="a terminal is a pty here")
def test_at_a_terminal_the_words_are_shown_and_typed_back(tmp_path: Path) -> None:
    import pty

    gridbear = Gridbear(tmp_path / "data")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        gridbear.command("secrets", "phrase", "--data-dir", str(gridbear.data_dir)),
        cwd=ROOT, env={**gridbear.env, "COLUMNS": "100"}, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        shown = read_until(ours, "Type them back:")
        words = dict(re.findall(r"(\d+)\. ([a-z]+)", shown))
        phrase = " ".join(words[str(number)] for number in range(1, 13))
        os.write(ours, b"these are other words\n")
        assert "is not in the list" in read_until(ours, "Type them back:")
        os.write(ours, f"{phrase}\n".encode())
        assert "in force since" in read_until(ours, "in force since")
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert unwrap((gridbear.data_dir / "secrets" / "key-ring.wrapped").read_bytes(), phrase).ids


def read_until(terminal: int, text: str) -> str:
    """What comes until `text` has come, or until the end."""
    seen = ""
    while text not in seen:
        try:
            part = os.read(terminal, 4096)
        except OSError:
            break
        if not part:
            break
        seen += part.decode()
    return seen


@pytest.mark.slow
def test_a_running_server_changes_its_key_and_keeps_serving(tmp_path: Path) -> None:
    gridbear = Gridbear(tmp_path / "data")
    try:
        gridbear.ready(gridbear.serve("--port", "0"))
        phrase = new_phrase()
        done = gridbear.cli("secrets", "phrase", "--phrase-stdin", stdin=phrase)
        assert done.returncode == 0, done.stderr
        assert gridbear.cli("secrets", "rotate").returncode == 0
        assert len(unwrap((tmp_path / "data" / "secrets" / "key-ring.wrapped").read_bytes(), phrase).ids) == 2
        refused = gridbear.cli("secrets", "recover", "--phrase-stdin", stdin=phrase)
        assert refused.returncode == 2
        assert "Another GridBear" in refused.stderr
    finally:
        gridbear.end()
