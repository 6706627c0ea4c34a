"""Where `serve` refuses a data folder before it touches anything."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from gridbear_desktop import serve as serving
from gridbear_desktop.shutdown import Shutdown
from server import data_folder


@pytest.fixture(autouse=True)
def process_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`serve` owns its process: here it must leave the test run's signals and logging alone."""
    monkeypatch.setattr(Shutdown, "catch_signals", lambda _self: None)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def mounted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str) -> None:
    table = tmp_path / "mounts"
    table.write_text(f"/dev/root / ext4 rw 0 0\nnas:/home {tmp_path} {kind} rw 0 0\n", "utf-8")
    monkeypatch.setattr(data_folder, "MOUNT_TABLE", table)


@pytest.mark.skipif(not Path("/proc/mounts").exists(), reason="the mount table is Linux's")
@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_a_network_file_system_is_refused_with_a_way_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str], kind: str
) -> None:
    mounted(monkeypatch, tmp_path, kind)
    assert serving.serve({"data_dir": tmp_path / "data", "port": 0}) == 2
    err = capfd.readouterr().err
    assert len(err.splitlines()) == 1
    assert f"network file system ({kind})" in err and "--data-dir" in err
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("variable", "value"), [("GRIDBEAR_PORT", "many"), ("GRIDBEAR_REST_RATE_BURST", "0"), ("GRIDBEAR_BASE_PATH", "a b")]
)
def test_a_setting_that_cant_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str], variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert serving.serve({"data_dir": tmp_path / "data"}) == 2
    assert variable in capfd.readouterr().err
    assert not (tmp_path / "data").exists()


def test_a_sync_folder_is_used_with_a_warning(tmp_path: Path) -> None:
    warnings = data_folder.DataFolder(tmp_path / "Dropbox" / "data").open()
    assert len(warnings) == 1 and "Dropbox" in warnings[0]
