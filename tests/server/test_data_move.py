"""Moving the data folder: copy, compare, switch; and never a moment in which the data are in no place, or in two."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gridbear_desktop import serve as serving
from gridbear_desktop.cli import main
from gridbear_desktop.commands import run
from gridbear_desktop.shutdown import Shutdown
from server import data_folder, data_location, data_move
from server.config import Settings
from server.data_folder import DataFolder
from server.data_location import COMING, MOVED_TO, default_data_dir, followed
from server.data_move import clear_former, move, plan_move
from server.errors import Conflict, GridBearError, StartupError, ValidationFailed


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A data folder with a database, files, a plugin with a link, and what belongs to a process."""
    folder = DataFolder(tmp_path / "old")
    folder.open()
    with closing(sqlite3.connect(folder.database)) as connection:
        connection.execute("CREATE TABLE notes (title TEXT)")
        connection.executemany("INSERT INTO notes VALUES (?)", [(f"note {number}",) for number in range(2000)])
        connection.commit()
    folder.files.mkdir()
    for number in range(20):
        (folder.files / f"{number}").write_bytes(os.urandom(100_000))
    (folder.plugins / "mine").mkdir()
    (folder.plugins / "mine" / "manifest.json").write_text("{}", "utf-8")
    (folder.plugins / "linked").symlink_to(folder.plugins / "mine")
    (folder.secrets / "key-ring").write_bytes(b"key")
    (folder.secrets / "key-ring").chmod(0o600)
    (folder.run / "port").write_text("8090", "utf-8")
    (folder.run / "server.json").write_text("{}", "utf-8")
    (folder.tmp / "half-an-upload").write_bytes(b"x")
    return folder.path


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(one.relative_to(folder)): one.read_bytes()
        for one in folder.rglob("*")
        if one.is_file() and one.name.removesuffix(".part") not in (MOVED_TO, data_move.CAME_FROM)
    }


def test_all_moves_but_what_belongs_to_a_process(old: Path, tmp_path: Path) -> None:
    new, before = tmp_path / "disk" / "new", content(old)
    told: list[int] = []
    plan = plan_move(old, new)
    with DataFolder(old).lock():
        move(plan, told.append)
    moved = content(new)
    assert set(before) - set(moved) == {"run/server.json", "run/server.lock", "tmp/half-an-upload"} & set(before)
    assert all(before[name] == moved[name] for name in moved)
    assert (new / "plugins" / "linked").is_symlink()
    assert (new / "secrets" / "key-ring").stat().st_mode & 0o777 == 0o600
    assert new.stat().st_mode & 0o777 == 0o700
    assert told == sorted(told) and told[-1] >= (new / "gridbear.db").stat().st_size + 20 * 100_000

    assert followed(old) == new
    assert Settings.load({"data_dir": old}).data_dir == new
    assert Settings.load({}, env={"GRIDBEAR_DATA_DIR": str(old)}).data_dir == new
    # Whoever looked for it before the switch does not get to the old files any more.
    with pytest.raises(StartupError, match="moved to .*new just now"), DataFolder(old).lock():
        pass
    with DataFolder(new).lock():
        pass


def test_a_path_with_steps_back_hangs_on_no_other_folder(old: Path, tmp_path: Path) -> None:
    plan = plan_move(old, tmp_path / "stray" / ".." / "new")
    assert plan.target == tmp_path / "new" == data_move.whole_path(tmp_path / "stray" / ".." / "new")
    with DataFolder(old).lock():
        move(plan)
    assert followed(old) == tmp_path / "new" and not (tmp_path / "stray").exists()


def test_the_old_files_go_after_a_good_start_and_the_note_stays(old: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    move(plan_move(old, new))
    assert (old / "gridbear.db").exists()
    assert clear_former(new) == []
    assert [one.name for one in old.iterdir()] == [MOVED_TO]
    assert data_move.former_places(new) == [old]
    assert followed(old) == new
    (old / "something").write_text("of somebody", "utf-8")
    assert clear_former(new) == []
    assert (old / "something").exists()


def test_a_former_place_that_went_on_being_used_is_left_alone(old: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    move(plan_move(old, new))
    (old / MOVED_TO).unlink()
    assert clear_former(new) == []
    assert (old / "gridbear.db").exists()


def test_it_moves_on_and_back(old: Path, tmp_path: Path) -> None:
    new, third = tmp_path / "new", tmp_path / "third"
    before = content(old)
    move(plan_move(old, new))
    clear_former(new)
    move(plan_move(new, third))
    clear_former(third)
    assert followed(old) == followed(new) == third
    move(plan_move(third, old))
    assert followed(third) == followed(new) == followed(old) == old
    clear_former(old)
    with DataFolder(old).lock():
        pass
    assert {name: found for name, found in content(old).items() if not name.startswith("run/")} == {
        name: found for name, found in before.items() if not name.startswith(("run/", "tmp/"))
    }


def test_a_move_back_that_was_cut_off_after_its_switch_counts(old: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    move(plan_move(old, new))
    clear_former(new)
    note = (old / MOVED_TO).read_bytes()
    move(plan_move(new, old))
    (old / MOVED_TO).write_bytes(note)
    (old / COMING).write_text(json.dumps({"from": str(new)}), "utf-8")
    assert followed(old) == followed(new) == old
    with DataFolder(old).lock():
        assert not (old / MOVED_TO).exists() and not (old / COMING).exists()


def test_where_it_can_not_move(old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = content(old)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine", "utf-8")
    (tmp_path / "link").symlink_to(old)
    with pytest.raises(ValidationFailed, match="already"):
        plan_move(old, old)
    with pytest.raises(ValidationFailed, match="already"):
        plan_move(old, tmp_path / "link")
    for target in (old / "inside", tmp_path, tmp_path / "link" / "inside"):
        with pytest.raises((ValidationFailed, Conflict), match="inside each other"):
            plan_move(old, target)
    with pytest.raises(Conflict, match="not empty"):
        plan_move(old, tmp_path / "full")
    with pytest.raises(Conflict, match="is a file"):
        plan_move(old, tmp_path / "full" / "letter.txt")
    with pytest.raises(ValidationFailed, match="no GridBear"):
        plan_move(tmp_path / "nothing", tmp_path / "new")
    (tmp_path / "empty").mkdir()
    assert plan_move(old, tmp_path / "empty").target == tmp_path / "empty"
    assert "Dropbox" in plan_move(old, tmp_path / "Dropbox" / "bear").warnings[0]

    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(data_move.shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(Conflict, match="0 MB free"):
        plan_move(old, tmp_path / "new")
    monkeypatch.undo()
    (tmp_path / "net").mkdir()
    table = tmp_path / "mounts"
    table.write_text(f"/dev/root / ext4 rw 0 0\nnas:/home {tmp_path}/net nfs4 rw 0 0\n", "utf-8")
    monkeypatch.setattr(data_folder, "MOUNT_TABLE", table)
    with pytest.raises(ValidationFailed, match="network"):
        plan_move(old, tmp_path / "net" / "new")
    assert content(old) == before
    assert not (tmp_path / "new").exists() and not (tmp_path / "Dropbox").exists()


def test_a_disk_that_gives_back_something_else_keeps_the_old_place(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Other(NamedTuple):
        digest: Any = lambda: b"else"

    monkeypatch.setattr(data_move.hashlib, "file_digest", lambda *_: Other())
    with pytest.raises(GridBearError, match="still in .*old"):
        move(plan_move(old, tmp_path / "new"))
    assert followed(old) == old
    with pytest.raises(StartupError, match="was not finished.*gridbear data move"), DataFolder(tmp_path / "new").lock():
        pass
    monkeypatch.undo()
    move(plan_move(old, tmp_path / "new"))
    assert followed(old) == tmp_path / "new"


KILLED = """
import os, signal, sys
from pathlib import Path
from server import data_move

left = int(sys.argv[3])


def count(function):
    def counted(*arguments, **named):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **named)
    return counted


# Every change of a disk goes through one of these.
Path.unlink, Path.replace, Path.mkdir = count(Path.unlink), count(Path.replace), count(Path.mkdir)
Path.open, os.fsync = count(Path.open), count(os.fsync)
data_move.move(data_move.plan_move(Path(sys.argv[1]), Path(sys.argv[2])))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills by SIGKILL, which Windows lacks")
@pytest.mark.parametrize("after", [*range(0, 140, 9), *range(100, 165, 4)])
def test_killed_at_any_moment_the_data_are_in_exactly_one_place_and_whole(
    old: Path, tmp_path: Path, after: int
) -> None:
    new = tmp_path / "new"
    before = {name: found for name, found in content(old).items() if not name.startswith(("run/", "tmp/"))}
    done = subprocess.run([sys.executable, "-c", KILLED, str(old), str(new), str(after)], check=False)
    assert done.returncode in (-9, 0)
    place = followed(old)
    assert place in (old, new)
    with DataFolder(place).lock():
        found = content(place)
    assert {name: one for name, one in found.items() if not name.startswith(("run/", "tmp/"))} == before
    if place == old and (new / COMING).exists():
        with pytest.raises(StartupError), DataFolder(new).lock():
            pass
    if place == old:
        move(plan_move(old, new))
        assert followed(old) == new
    assert clear_former(new) == []
    assert [one.name for one in old.iterdir()] == [MOVED_TO]


def test_a_folder_beside_the_program_is_used_and_keeps_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_location, "program_folder", lambda: tmp_path)
    assert Settings.load({}, env={}).data_dir == data_location.platform_data_dir()
    beside = tmp_path / data_location.PORTABLE
    beside.mkdir()
    assert default_data_dir() == beside
    assert Settings.load({}, env={}).data_dir == beside
    assert Settings.load({}, env={}).key_store == "file"
    assert Settings.load({}, env={"GRIDBEAR_KEY_STORE": "keychain"}).key_store == "keychain"
    assert Settings.load({}, env={"GRIDBEAR_DATA_DIR": str(tmp_path / "else")}).data_dir == tmp_path / "else"
    assert Settings.load({"data_dir": tmp_path / "else"}, env={}).key_store == "auto"


def test_the_folder_beside_a_program_is_beside_its_executable_or_its_app(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    for executable, folder in (("bear/gridbear", "bear"), ("Apps/GridBear.app/Contents/MacOS/gridbear", "Apps")):
        monkeypatch.setattr(sys, "executable", str(tmp_path / executable))
        assert data_location.portable_data_dir() == tmp_path / folder / "gridbear-data"


def test_a_disk_that_is_away_is_no_new_start(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    new, away = tmp_path / "disk" / "new", tmp_path / "away"
    move(plan_move(old, new))
    clear_former(new)
    new.parent.rename(away)
    monkeypatch.setattr(Shutdown, "catch_signals", lambda _self: None)
    monkeypatch.setenv("GRIDBEAR_DATA_DIR", str(old))
    for words in (["user", "list"], ["backup"], ["connect", "--list"], ["data", "show"], ["uninstall", "--dry-run"]):
        assert run(words) == 2
        assert f"moved to {new}, and are not there now. Connect that disk" in capsys.readouterr().err
    assert serving.serve({"data_dir": old, "port": 0}) == 2
    assert "Connect that disk" in capsys.readouterr().err
    for words, code in ((["mcp"], 2), (["window"], 1)):
        assert main(words) == code
        assert "Connect that disk" in "".join(capsys.readouterr())
    assert not new.parent.exists() and [one.name for one in old.iterdir()] == [MOVED_TO]
    away.rename(new.parent)
    assert Settings.load({}).data_dir == new


def test_the_reason_against_a_place_begins_with_no_name_of_a_field(old: Path) -> None:
    with pytest.raises(ValidationFailed, match=r"^The data are in .* already\.") as refused:
        plan_move(old, old)
    assert refused.value.fields["to"].code == "same_folder"
    with pytest.raises(ValidationFailed, match=r"^/.* lie inside each other\."):
        plan_move(old, old / "inside")
