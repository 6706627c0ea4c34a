"""The log of a headless server as a file that is kept small."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from gridbear_process import Gridbear

from server import log
from server.config import Settings
from server.errors import StartupError
from server.log import LOG_FILES, configure_logging


@pytest.fixture(autouse=True)
def logging_stays_as_it_is() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in root.handlers:
        if isinstance(handler, logging.FileHandler):
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_the_log_is_begun_anew_and_few_older_ones_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "LOG_BYTES", 1000)
    configure_logging("INFO", tmp_path / "logs" / "server.log")
    for number in range(200):
        logging.getLogger("bear").info("line %s of many", number)
    logging.getLogger("bear").debug("too quiet")
    files = sorted((tmp_path / "logs").iterdir())
    assert [one.name for one in files] == ["server.log", *(f"server.log.{n}" for n in range(1, LOG_FILES + 1))]
    assert all(one.stat().st_size <= 1000 for one in files)
    assert "line 199 of many" in files[0].read_text("utf-8")
    assert not any("too quiet" in one.read_text("utf-8") for one in files)


def test_another_configuration_lets_the_file_go(tmp_path: Path) -> None:
    configure_logging("INFO", tmp_path / "server.log")
    configure_logging("INFO")
    logging.getLogger("bear").info("for stderr alone")
    assert (tmp_path / "server.log").read_text("utf-8") == ""


def test_a_file_that_cant_be_written_is_named_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file", "utf-8")
    with pytest.raises(StartupError, match="GRIDBEAR_LOG_FILE"):
        configure_logging("INFO", tmp_path / "logs" / "server.log")


@pytest.mark.parametrize("name", ["../server.log", "/etc/log", "a/b", "..", ".hidden", "a b"])
def test_the_log_stays_in_its_folder(name: str) -> None:
    with pytest.raises(StartupError, match="GRIDBEAR_LOG_FILE can't be used"):
        Settings.load({}, env={"GRIDBEAR_LOG_FILE": name})


@pytest.mark.slow
def test_a_headless_server_logs_to_its_file_and_to_stderr(gridbear: Gridbear) -> None:
    gridbear.env["GRIDBEAR_LOG_FILE"] = "headless.log"
    gridbear.env["GRIDBEAR_LOG_LEVEL"] = "DEBUG"
    server = gridbear.serve("--port", "0")
    gridbear.ready(server)
    server.terminate()
    _, err = server.communicate(timeout=30)
    text = (gridbear.data_dir / "logs" / "headless.log").read_text("utf-8")
    assert text and text.splitlines()[-1] in err
