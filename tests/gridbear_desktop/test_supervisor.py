"""The log that the supervisor rotates; its work with processes is in test_launcher."""

from __future__ import annotations

from pathlib import Path

from gridbear_desktop.supervisor import LOG_BYTES, LOG_FILES, rotate


def test_a_small_or_missing_log_stays(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    rotate(log)
    log.write_bytes(b"line\n")
    rotate(log)
    assert [path.name for path in tmp_path.iterdir()] == ["server.log"]


def test_large_logs_move_on_and_the_oldest_goes(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    for number in range(LOG_FILES + 3):
        log.write_bytes(str(number).encode() * LOG_BYTES)
        rotate(log)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"server.log.{number}" for number in range(1, LOG_FILES + 1)]
    assert (tmp_path / "server.log.1").read_bytes()[:1] == str(LOG_FILES + 2).encode()
