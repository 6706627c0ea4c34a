"""What the files plugin does below a folder, and that nothing leads out of it: paths, links, pipes, races."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import types
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.errors import Conflict, Forbidden, GridBearError, NotFound, TooLarge, ValidationFailed
from server.this_computer import resource_dir

OUTSIDE = "what lies outside"
MakeTree = Callable[..., Any]


@pytest.fixture(scope="module")
def files() -> Iterator[Any]:
    package = types.ModuleType("files_under_test")
    package.__path__ = [str(resource_dir("plugins") / "files")]
    sys.modules["files_under_test"] = package
    yield types.SimpleNamespace(
        **{name: import_module(f"files_under_test.{name}") for name in ("paths", "place", "search", "text", "tree")}
    )
    for name in [name for name in sys.modules if name.partition(".")[0] == "files_under_test"]:
        del sys.modules[name]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with something in it, and a secret beside it."""
    inside = tmp_path / "inside"
    (inside / "notes").mkdir(parents=True)
    (inside / "notes" / "todo.txt").write_text("buy milk\ncall mum\n")
    (inside / ".hidden").write_text("hidden")
    (tmp_path / "secret.txt").write_text(OUTSIDE)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "todo.txt").write_text(OUTSIDE)
    (tmp_path / "data").mkdir()
    return inside


@pytest.fixture(params=[True, False], ids=["descriptors", "paths alone"])
def make(request: pytest.FixtureRequest, files: Any, root: Path) -> MakeTree:
    """A tree as Linux and macOS have it, and as Windows has it."""

    def tree(place: Path = root, **given: Any) -> Any:
        private = root.parent / "data"
        values = {"hidden": False, "private": private, "max_bytes": 100_000, "descriptors": request.param, **given}
        return files.tree.Tree(str(place), **values)

    return tree


def names(listed: dict[str, Any]) -> list[str]:
    return [entry["name"] for entry in listed["entries"]]


def test_reading_writing_moving_and_a_trash_from_which_all_comes_back(make: MakeTree, root: Path) -> None:
    tree = make()
    assert names(tree.listed("", 0, 10)) == ["notes"] and tree.listed("", 0, 10)["left_out"] == 1
    assert tree.read("notes/todo.txt") == b"buy milk\ncall mum\n"
    tree.make_folder("notes/old")
    tree.write("notes/new.txt", b"one", overwrite=False)
    with pytest.raises(Conflict):
        tree.write("notes/new.txt", b"two", overwrite=False)
    (root / "notes" / "new.txt").chmod(0o640)
    tree.write("notes/new.txt", b"two", overwrite=True)
    assert (root / "notes" / "new.txt").read_bytes() == b"two"
    assert (root / "notes" / "new.txt").stat().st_mode & 0o777 == 0o640
    [kept] = (root / ".gridbear-trash").iterdir()
    assert kept.read_bytes() == b"one" and kept.name.endswith(" new.txt")
    tree.move("notes/new.txt", "notes/old/moved.txt")
    with pytest.raises(Conflict):
        tree.move("notes/todo.txt", "notes/old/moved.txt")
    with pytest.raises(ValidationFailed):
        tree.move("notes", "notes/old/notes")
    name = tree.delete("notes/old")
    assert (root / ".gridbear-trash" / name / "moved.txt").read_bytes() == b"two"
    assert names(tree.listed("notes", 0, 10)) == ["todo.txt"]
    for gone in ("notes/old/moved.txt", "nothing", "notes/todo.txt/x"):
        with pytest.raises((NotFound, Conflict)):
            tree.read(gone)
    for path in ("", ".gridbear-trash", ".GridBear-Trash/x", ".gridbear-draft-1"):
        with pytest.raises((ValidationFailed, Forbidden)):
            tree.delete(path)


@pytest.mark.parametrize(
    "path",
    ["../secret.txt", "notes/../../secret.txt", "/etc/passwd", "notes//todo.txt", "./notes", "notes/.", "..", "a\0b",
     "notes\\todo.txt", "..\\secret.txt", "a\nb", "\ud800", "x" * 300, "a/" * 70 + "a", "/", "//server/share"],
)  # fmt: skip
def test_a_path_that_is_no_plain_one_is_refused_before_anything_is_opened(make: MakeTree, path: str) -> None:
    tree = make(hidden=True)
    for deed in (tree.read, tree.delete, tree.make_folder, lambda it: tree.write(it, b"x", overwrite=True),
                 lambda it: tree.move("notes/todo.txt", it), lambda it: tree.listed(it, 0, 10)):  # fmt: skip
        with pytest.raises(ValidationFailed):
            deed(path)


@pytest.mark.parametrize("path", ["C:/x", "c:x", "a/con", "NUL.txt", "com1", "x.", "x ", "a:stream", "a|b", "what?"])
def test_names_that_windows_takes_for_something_else_are_refused_there_alone(files: Any, path: str) -> None:
    with pytest.raises(ValidationFailed):
        files.paths.parsed(path, hidden=True, windows=True)
    assert files.paths.parsed(path, hidden=True, windows=False) == tuple(path.split("/"))


PIECES = [
    *("..", ".", "", "/", "\\", "\0", "~", "C:", "%2e%2e", "é", "e\u0301"),
    *("notes", "NOTES", "todo.txt", "link", "out", ".hidden", ".gridbear-trash"),
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(path=st.lists(st.sampled_from(PIECES), max_size=6).map("/".join) | st.text(max_size=30))
def test_no_path_reads_or_changes_what_lies_outside(make: MakeTree, root: Path, path: str) -> None:
    for name, target in (("link", "../secret.txt"), ("out", "../secrets")):
        with contextlib.suppress(FileExistsError):
            (root / name).symlink_to(target)
    tree = make(hidden=True)
    for deed in (tree.read, lambda it: tree.write(it, b"mine", overwrite=True), tree.make_folder, tree.delete):
        with contextlib.suppress(GridBearError):
            assert deed(path) != OUTSIDE.encode()
    assert (root.parent / "secret.txt").read_text() == OUTSIDE
    assert sorted(it.name for it in root.parent.iterdir()) == ["data", "inside", "secret.txt", "secrets"]
    assert [it.read_text() for it in (root.parent / "secrets").iterdir()] == [OUTSIDE]


def test_links_are_not_listed_followed_overwritten_moved_or_searched(make: MakeTree, files: Any, root: Path) -> None:
    (root / "file").symlink_to("../secret.txt")
    (root / "folder").symlink_to("../secrets")
    (root / "loop").symlink_to("loop")
    (root / "within").symlink_to("notes/todo.txt")
    tree = make()
    assert names(tree.listed("", 0, 10)) == ["notes"] and tree.listed("", 0, 10)["left_out"] == 5
    for path in ("file", "loop", "within"):
        for deed in (tree.read, tree.delete, tree.kind, lambda it: tree.write(it, b"x", overwrite=True)):
            with pytest.raises(Forbidden):
                deed(path)
    for path in ("folder/todo.txt", "file/x"):
        with pytest.raises((Forbidden, Conflict)):
            tree.read(path)
    with pytest.raises(Forbidden):
        tree.listed("folder", 0, 10)
    with pytest.raises(Forbidden):
        tree.move("notes/todo.txt", "folder/mine")
    found = files.search.search(tree, "outside", "", "contents", 10)
    assert found == {"found": [], "complete": True}
    assert (root.parent / "secret.txt").read_text() == OUTSIDE


def test_a_folder_that_is_swapped_for_a_link_in_the_middle_leads_nowhere(files: Any, root: Path) -> None:
    tree = files.tree.Tree(str(root), hidden=False, private=root.parent / "data", max_bytes=1000)
    if not files.place.HAS_DESCRIPTORS:
        pytest.skip("Windows opens no folder as a descriptor, so there is nothing that a swap could be held off by")
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            os.rename(root / "notes", root / "real")
            os.symlink("../secrets", root / "notes")
            os.unlink(root / "notes")
            os.rename(root / "real", root / "notes")

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        seen = set()
        for number in range(3000):
            with contextlib.suppress(GridBearError):
                seen.add(tree.read("notes/todo.txt"))
            with contextlib.suppress(GridBearError):
                tree.write("notes/mine.txt", b"%d" % number, overwrite=True)
    finally:
        stop.set()
        swapper.join()
    assert seen == {b"buy milk\ncall mum\n"}
    assert [it.name for it in (root.parent / "secrets").iterdir()] == ["todo.txt"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes in folders")
def test_pipes_and_sockets_are_neither_opened_nor_waited_for(make: MakeTree, files: Any, root: Path) -> None:
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as server, contextlib.chdir(root):
        server.bind("socket")
        tree = make()
        for name in ("pipe", "socket"):
            for deed in (tree.read, tree.delete, lambda it: tree.write(it, b"x", overwrite=True)):
                with pytest.raises(Forbidden) as refused:
                    deed(name)
                assert refused.value.code == "special_file"
        assert names(tree.listed("", 0, 10)) == ["notes"]
        assert files.search.search(tree, "milk", "", "contents", 10)["complete"]


@pytest.mark.skipif(sys.platform != "linux", reason="the folders that are refused, such as /proc, exist on Linux alone")
def test_the_systems_own_folders_and_other_file_systems_are_refused(make: MakeTree, root: Path) -> None:
    for place in ("/", "/proc", "/proc/self", "/sys", "/dev", "/run", "relative", str(root / "notes" / "todo.txt")):
        with pytest.raises(ValidationFailed):
            make(Path(place)).check()
    # Even of a root that holds them.
    tree = make(Path("/"))
    for path in ("proc/self/environ", "proc/1/root/etc/passwd", "dev/zero"):
        with pytest.raises(GridBearError):
            tree.read(path)
    make().check()


def test_the_data_of_gridbear_is_entered_by_nobody_and_goes_nowhere(make: MakeTree, files: Any, root: Path) -> None:
    (root.parent / "data" / "gridbear.db").write_text("all secrets")
    for place in (root.parent / "data", root.parent / "data" / "files"):
        with pytest.raises(ValidationFailed):
            make(place).check()
    above = make(root.parent)
    above.check()
    for deed in (lambda: above.read("data/gridbear.db"), lambda: above.listed("data", 0, 10),
                 lambda: above.delete("data"), lambda: above.move("data", "mine"),
                 lambda: above.write("data/x", b"x", overwrite=True)):  # fmt: skip
        with pytest.raises(Forbidden):
            deed()
    assert files.search.search(above, "all secrets", "", "contents", 10)["found"] == []
    with pytest.raises(Forbidden):
        make(root.parent.parent).delete(root.parent.name)
    assert (root.parent / "data" / "gridbear.db").exists()


def test_huge_files_hidden_ones_and_names_that_are_no_unicode(make: MakeTree, files: Any, root: Path) -> None:
    with (root / "huge").open("wb") as huge:
        huge.truncate(1 << 40)
    tree = make()
    with pytest.raises(TooLarge):
        tree.read("huge")
    with pytest.raises(TooLarge):
        tree.write("large", b"x" * 100_001, overwrite=False)
    assert not (root / "large").exists()
    assert files.search.search(tree, "milk", "", "contents", 10)["found"] == [
        {"path": "notes/todo.txt", "line": 1, "text": "buy milk"}
    ]
    with pytest.raises(Forbidden):
        tree.read(".hidden")
    assert make(hidden=True).read(".hidden") == b"hidden"
    if sys.platform == "linux":
        (Path(os.fsdecode(os.fsencode(root) + b"/\xff.txt"))).write_text("x")
        assert names(tree.listed("", 0, 10)) == ["notes", "huge"] and tree.listed("", 0, 10)["left_out"] == 2


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    make: MakeTree, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Conflict) as refused:
        make().write("notes/todo.txt", b"new", overwrite=True)
    assert refused.value.code == "disk_full" and str(root) not in refused.value.message
    assert (root / "notes" / "todo.txt").read_text() == "buy milk\ncall mum\n"
    assert sorted(os.listdir(root / "notes")) == ["todo.txt"]


def test_search_says_when_there_may_be_more(make: MakeTree, files: Any, root: Path) -> None:
    for number in range(20):
        (root / "notes" / f"Report {number}.txt").write_text("Größe\nSTRASSE\n")
    tree = make()
    assert files.search.search(tree, "report", "", "names", 5)["complete"] is False
    assert len(files.search.search(tree, "REPORT", "notes", "names", 50)["found"]) == 20
    [hit] = files.search.search(tree, "straße", "", "contents", 1)["found"]
    assert (hit["line"], hit["text"]) == (2, "STRASSE")
    assert files.search.search(tree, "report", "", "names", 50, seconds=-1)["complete"] is False


def test_lines_of_a_text_are_given_in_pieces_that_fit(files: Any) -> None:
    lines_of = files.text.lines_of
    assert lines_of(b"a\nb\nc", 2, 1) == {"text": "b\n", "lines": 3, "next_line": 3, "line_was_cut": False}
    assert lines_of(b"", 1, 10) == {"text": "", "lines": 0, "next_line": None, "line_was_cut": False}
    assert lines_of(b"\xef\xbb\xbfa", 9, 10)["text"] == ""
    long = lines_of(b"x" * 300_000 + b"\ny", 1, 10)
    assert (len(long["text"]), long["next_line"], long["line_was_cut"]) == (200_000, 2, True)
    for binary in (b"\x00", b"\xff\xfe"):
        with pytest.raises(ValidationFailed):
            lines_of(binary, 1, 1)
