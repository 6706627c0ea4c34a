"""`gridbear doctor` says what is well and what needs a person, and changes nothing."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from gridbear_desktop.commands import run
from server.access.actor import SYSTEM
from server.app import create_app
from server.cli import doctor_checks
from server.config import Settings
from server.secrets.key_store import KeyStore
from server.secrets.vault import Vault, open_vault
from tests.faults.test_damaged_file import damage_table
from tests.gridbear_desktop.gridbear_process import Gridbear
from tests.server.cli.test_backup_commands import put_secret


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one admin and no backup."""
    monkeypatch.setenv("GRIDBEAR_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("GRIDBEAR_KEY_STORE", "file")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "GRIDBEAR_PORT"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setattr("server.cli.commands._password", lambda _: "a calm bear in a den")
    assert run(["user", "create", "maja", "--admin"]) == 0
    return tmp_path / "data"


def seen(capsys: pytest.CaptureFixture[str], expected: int) -> dict[str, dict[str, Any]]:
    """The findings by what was looked at."""
    capsys.readouterr()
    assert run(["doctor", "--json"]) == expected
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is (expected == 0)
    return {one["what"]: one for one in told["findings"]}


def vault_of(data: Path) -> Vault:
    return open_vault(KeyStore(data / "secrets", "file"), frozenset())


def test_a_folder_that_is_not_there_is_well_and_stays_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRIDBEAR_DATA_DIR", str(tmp_path / "none"))
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert list(seen(capsys, 0)) == ["data folder", "versions", "port", "proxy", "display"]
    assert not (tmp_path / "none").exists()


def test_without_a_backup_somebody_has_to_look_and_with_one_all_is_well(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = seen(capsys, 1)
    assert {what for what, one in found.items() if one["state"] != "ok"} == {"backups"}
    assert run(["backup", "--without-phrase"]) == 0
    before = sorted((str(path), path.stat().st_mtime_ns) for path in data.rglob("*") if path.suffix in (".db", ".zip"))
    found = seen(capsys, 0)
    assert list(found) == [
        "data folder", "free space", "server", "database", "key", "recovery phrase", "backups", "versions", "port",
        "proxy", "keychain", "plugins", "display",
    ]  # fmt: skip
    assert before == sorted(
        (str(path), path.stat().st_mtime_ns) for path in data.rglob("*") if path.suffix in (".db", ".zip")
    )
    assert run(["doctor"]) == 0
    assert "whole:" in capsys.readouterr().out


def test_secrets_that_no_backup_brings_back_are_told(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put_secret(data)
    assert run(["backup", "--without-phrase"]) == 0
    found = seen(capsys, 1)
    assert {what for what, one in found.items() if one["state"] == "attention"} == {"recovery phrase", "backups"}
    vault = vault_of(data)
    vault.confirm_phrase(vault.propose_phrase())
    assert run(["backup"]) == 0
    assert seen(capsys, 0)["backups"]["text"].endswith("secrets included.")
    # Another phrase: the backups so far still open with the one before.
    vault.confirm_phrase(vault.propose_phrase())
    assert "earlier phrase" in seen(capsys, 1)["backups"]["text"]


def test_an_old_backup_and_a_broken_one_are_told(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["backup", "--without-phrase"]) == 0
    monkeypatch.setattr("server.cli.doctor_checks.BACKUP_DAYS", -1.0)
    assert "makes one now" in seen(capsys, 1)["backups"]["text"]
    monkeypatch.undo()
    monkeypatch.setenv("GRIDBEAR_DATA_DIR", str(data))
    monkeypatch.setenv("GRIDBEAR_KEY_STORE", "file")
    (data / "backups" / "backup-broken.zip").write_bytes(b"no zip")
    assert "backup-broken.zip" in seen(capsys, 1)["backups"]["text"]


def test_damage_a_lost_key_a_full_disk_and_a_folder_that_is_held_are_trouble(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_secret(data)
    (data / "secrets" / "key-ring").rename(data / "secrets" / "elsewhere")
    assert "gridbear secrets recover" in seen(capsys, 1)["key"]["text"]
    (data / "secrets" / "elsewhere").rename(data / "secrets" / "key-ring")
    monkeypatch.setenv("GRIDBEAR_STORAGE_READ_ONLY_BYTES", str(1 << 60))
    monkeypatch.setattr(doctor_checks, "START_SECONDS", 0.0)
    with FileLock(data / "run" / "server.lock"):
        found = seen(capsys, 1)
    assert found["free space"]["state"] == found["server"]["state"] == "trouble"
    damage_table(data / "gridbear.db", "notes")
    assert seen(capsys, 1)["database"]["state"] == "trouble"
    (data / "gridbear.db").write_bytes(os.urandom(20_000))
    found = seen(capsys, 1)
    assert found["database"]["state"] == "trouble" and found["key"]["state"] == "trouble"


def test_a_server_that_is_starting_is_waited_for_and_its_upgrade_is_told(data: Path) -> None:
    pauses: list[float] = []
    held = FileLock(data / "run" / "server.lock")

    def found() -> doctor_checks.Finding:
        doctor = doctor_checks.Doctor(Settings.load({"data_dir": data}), pause=pause)
        return next(one for one in doctor.findings() if one.what == "server")

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            held.release()

    with held:
        assert found().text == "it does not run." and len(pauses) == 3
    with held:
        (data / "run" / "upgrading.json").write_text(json.dumps({"pid": 1, "text": "Upgrading: copying (40%)"}))
        assert found() == doctor_checks.Finding("server", "ok", "it is starting. Upgrading: copying (40%)")
    assert found().text == "it does not run.", "a note that a killed server has left says nothing"


def test_an_option_that_does_not_exist_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--nonsense"]) == 2
    assert "--nonsense" in capsys.readouterr().err


@pytest.mark.slow
def test_a_running_server_and_its_recovery_mode_are_told(tmp_path: Path) -> None:
    gridbear = Gridbear(tmp_path / "data")
    gridbear.env["GRIDBEAR_KEY_STORE"] = "file"
    try:
        gridbear.create_user("maja")
        info = gridbear.ready(gridbear.serve("--port", "0"))
        assert gridbear.cli("backup", "--without-phrase").returncode == 0
        done = gridbear.cli("doctor")
        assert done.returncode == 0 and info["url"] in done.stdout, done.stdout
        damage_table(tmp_path / "data" / "gridbear.db", "notes")
        gridbear.cli("backup", "--without-phrase")
        done = gridbear.cli("doctor")
        assert done.returncode == 1 and "recovery mode" in done.stdout and "gridbear restore" in done.stdout
    finally:
        gridbear.end()


def test_a_proxy_for_this_computer_is_named_without_what_its_address_holds(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://maja:sweet-tooth@proxy.example:3128")
    found = seen(capsys, 1)["proxy"]
    assert found["state"] == "attention" and "NO_PROXY=127.0.0.1,localhost" in found["text"]
    assert run(["doctor"]) == 1
    assert "sweet-tooth" not in capsys.readouterr().out
    monkeypatch.setenv("NO_PROXY", "example.org, localhost")
    assert seen(capsys, 1)["proxy"]["state"] == "ok"


def test_a_taken_port_is_trouble_for_who_asked_for_it_and_none_otherwise(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setenv("GRIDBEAR_PORT", str(port))
        found = seen(capsys, 1)["port"]
        assert (
            found["state"] == "trouble" and f"{port} on 127.0.0.1" in found["text"] and "GRIDBEAR_PORT" in found["text"]
        )
    assert seen(capsys, 1)["port"]["state"] == "ok"


def test_plugins_with_errors_are_named(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def store() -> None:
        app = create_app(Settings(data_dir=data, key_store="file"))
        async with app.data():
            values = {"name": "broken", "enabled": True, "state": "failed", "error": "Traceback\nno honey"}
            await app.records.create(SYSTEM, "plugins", values)

    asyncio.run(store())
    found = seen(capsys, 1)["plugins"]
    assert found["state"] == "attention" and "broken: no honey" in found["text"] and "Traceback" not in found["text"]


def test_a_mistyped_variable_is_named_with_the_nearest_setting_and_never_its_value(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (data / "plugins" / "log-level").mkdir(parents=True)
    for name in ("GRIDBEAR_PROT", "GRIDBEAR_TLS_CERT", "GRIDBEAR_LOG_LEVEL_X", "GRIDBEAR_WEBHOOK_INBOX_SECRET",
                 "GRIDBEAR_TOKEN", "GRIDBEAR_CHROMIUM", "GRIDBEAR_SOAK_KILLS", "GRIDBEAR_TEST_CANARY"):  # fmt: skip
        monkeypatch.setenv(name, "confidential")
    capsys.readouterr()
    run(["doctor", "--json"])
    told = capsys.readouterr().out
    (found,) = [one for one in json.loads(told)["findings"] if one["what"] == "variables"]
    assert found["state"] == "attention" and "confidential" not in told
    assert found["text"] == (
        "The variable GRIDBEAR_PROT does nothing; GRIDBEAR_PORT is a setting. Is that meant? "
        "The variable GRIDBEAR_TLS_CERT does nothing; GRIDBEAR_TLS_CERTIFICATE is a setting. Is that meant?"
    )
