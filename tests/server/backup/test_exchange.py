"""A restore that is killed at any step ends at the next start as if it had not been: all new, or all old."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from server.backup import exchange as module
from server.backup.exchange import exchange
from server.backup.intent import Intent, Papers
from server.backup.settling import TRIES, RestoreFailed, Settling
from server.db import swap
from server.db.facts import column_rows, database_facts
from server.db.migrate import migrate
from server.errors import StartupError
from server.models.base import Base
from tests.server.backup.tests_backup_support import add_notes

WATCHED = ("rename", "replace", "unlink", "mkdir")


def state(data: Path) -> dict[str, object]:
    """What a person would see of a data folder."""
    notes = [row[0] for row in column_rows(data / "gridbear.db", "notes", "title")]
    files = {
        path.relative_to(data).as_posix(): path.read_text()
        for name in ("files", "plugins", "secrets")
        for path in sorted((data / name).rglob("*"))
        if path.is_file()
    }
    return {"notes": notes, **files}


def fill(folder: Path, word: str, notes: int) -> None:
    for name in ("files", "plugins", "secrets"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for old in (folder / name).iterdir():
            if old.is_file():
                old.unlink()
        (folder / name / "thing").write_text(word)
    folder.joinpath("backups").mkdir(exist_ok=True)
    migrate(folder / "gridbear.db", Base.metadata, folder / "backups")
    add_notes(folder / "gridbear.db", notes)


def intend(data: Path, notes: int, *, had_database: bool = True) -> Intent:
    intent = Intent(
        id="state-1", kind="restore", state="apply", incoming="restore/incoming", outgoing="before-restore/state-1",
        brings_database=True, had_database=had_database, counts={"notes": notes}, name="backup-1.zip",
        asked_by="ada", asked_at="2026-01-01T00:00:00.000Z", program_version="0",
    )  # fmt: skip
    Papers(data).put_intent(intent)
    return intent


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A data folder with one note, and a staged state with two."""
    data = tmp_path / "data"
    fill(data, "old", 1)
    fill(data / "restore" / "incoming", "new", 2)
    return data


@contextmanager
def dying_at(step: int) -> Iterator[Callable[[], int]]:
    """End the process at the given change of the file system."""
    count = 0

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def act(*arguments: object, **options: object) -> object:
            nonlocal count
            count += 1
            if count == step:
                os._exit(9)
            return real(*arguments, **options)

        return act

    with pytest.MonkeyPatch.context() as patch:
        for name in WATCHED:
            patch.setattr(Path, name, counted(getattr(Path, name)))
        for name in ("replace", "link", "fsync"):
            patch.setattr(os, name, counted(getattr(os, name)))
        yield lambda: count


def dies(work: Callable[[], None], step: int) -> bool:
    """Whether `work`, in a process of its own, got as far as `step`."""
    child = os.fork()
    if child == 0:
        try:
            with dying_at(step):
                work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9), code
    return code == 9


def settle(data: Path) -> None:
    settling = Settling(data)
    settling.begin()
    migrate(data / "gridbear.db", Base.metadata, data / "backups")
    settling.check()
    settling.confirm()


def again(two: Path, step: int) -> Path:
    return Path(shutil.copytree(two, two.with_name(f"at-{step}")))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.slow
def test_killed_at_every_step_of_a_restore_the_next_start_finishes_it(two: Path) -> None:
    wanted: dict[str, object] | None = None
    step = 1
    while True:
        data = again(two, step)
        before = state(data)
        new = state(data / "restore" / "incoming")
        intend(data, 2)
        died = dies(partial(settle, data), step)
        settle(data)
        assert state(data) == new, step
        if (data / "before-restore" / "state-1").exists():
            kept = state(data / "before-restore" / "state-1")
            assert kept == before, step
            wanted = kept
        assert not (data / "restore" / "intent.json").exists() and not (data / "restore" / "incoming").exists()
        if not died:
            break
        step += 1
    assert step > 40 and wanted is not None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.slow
@pytest.mark.parametrize("had_database", [True, False])
def test_killed_at_every_step_of_taking_back_the_old_state_is_there(two: Path, had_database: bool) -> None:
    step = 1
    while True:
        data = again(two, step)
        if not had_database:
            swap.remove_database(data / "gridbear.db")
        before = state(data) if had_database else None
        intend(data, 3, had_database=had_database)

        def start(data: Path = data) -> None:
            settling = Settling(data)
            settling.begin()
            try:
                settling.check()
            except RestoreFailed as error:
                assert settling.roll_back(error)
                settling.check()
            settling.confirm()

        died = dies(start, step)
        start()
        report = Papers(data).report()
        assert report is not None and report.outcome == "failed", step
        if had_database:
            assert state(data) == before, step
        else:
            assert not (data / "gridbear.db").exists() and (data / "files" / "thing").read_text() == "old"
        assert not (data / "restore" / "intent.json").exists()
        if not died:
            break
        step += 1
    assert step > 40


def test_an_exchange_done_twice_is_done_once(two: Path) -> None:
    new = state(two / "restore" / "incoming")
    for _ in range(2):
        exchange(two, two / "restore" / "incoming", two / "kept")
    assert state(two) == new and state(two / "kept")["notes"] == ["Note 0"]


def test_starts_that_never_get_through_end_with_the_old_state(two: Path) -> None:
    before = state(two)
    intend(two, 2)
    for _ in range(TRIES):
        Settling(two).begin()
        assert state(two) != before
    settling = Settling(two)
    settling.begin()
    settling.check()
    settling.confirm()
    assert state(two) == before
    report = Papers(two).report()
    assert report is not None and "did not get through" in report.problem


def test_an_intent_that_nobody_can_read_stops_the_start(two: Path) -> None:
    intend(two, 2)
    path = two / "restore" / "intent.json"
    path.write_text(json.dumps({"id": "x"}))
    with pytest.raises(StartupError, match="not finished"):
        Settling(two).begin()
    assert path.exists() and database_facts(two / "gridbear.db").counts["notes"] == 1


def test_a_disk_error_in_the_exchange_brings_the_old_state_back(two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = state(two)
    intend(two, 2)
    calls = list[int]()

    def failing(live: Path, replacement: Path, keep_as: Path | None) -> None:
        if not calls:
            calls.append(1)
            raise OSError(28, "No space left on device")
        swap.swap_database(live, replacement, keep_as)

    monkeypatch.setattr(module, "swap_database", failing)
    settle(two)
    assert state(two) == before
    report = Papers(two).report()
    assert report is not None and "No space left" in report.problem
