"""Plugins on their way: what is taken in, byte for byte, and what never leaves its place."""

from __future__ import annotations

import io
import json
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from server.errors import GridBearError
from server.plugin_host import package
from server.plugin_host.content_hash import content_hash
from server.plugin_host.package import NoPlugin, pack, stage
from tests.server.plugin_host.tests_plugin_support import ROUTES, model, write

MANIFEST = json.dumps({"name": "Weather", "version": "1"})


@pytest.fixture
def place(tmp_path: Path) -> Path:
    made = tmp_path / "inner" / "place"
    made.mkdir(parents=True)
    return made


def zipped(path: Path, files: dict[str, str], change: Callable[[zipfile.ZipInfo], None] | None = None) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.filename = name
            if change is not None and name != "manifest.json":
                change(info)
            archive.writestr(info, text)
    return path


def test_what_was_packed_is_unpacked_the_same_and_twice_gives_the_same_bytes(tmp_path: Path, place: Path) -> None:
    folder = write(tmp_path, "weather", models=model("weather_days"), routes=ROUTES)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "old.pyc").write_bytes(b"x")
    digest = pack(folder, tmp_path / "one.zip")
    os.utime(folder / "models.py", (1, 1))
    pack(folder, tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    staged = stage(tmp_path / "one.zip", place)
    assert (staged.id, staged.content_hash, staged.files) == ("weather", digest, 3)
    assert content_hash(staged.folder) == content_hash(folder) == digest
    assert not (staged.folder / "__pycache__").exists()


def test_a_zip_without_a_folder_is_named_by_its_file_or_as_told(tmp_path: Path, place: Path) -> None:
    source = zipped(tmp_path / "weather.zip", {"manifest.json": MANIFEST, "ui/main.js": "1"})
    assert stage(source, place).id == "weather"
    assert stage(source, place / "other", "climate").id == "climate"


def test_a_git_folder_comes_without_its_history_and_tells_its_commit(tmp_path: Path, place: Path) -> None:
    folder = write(tmp_path, "weather")
    git = folder / ".git"
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "refs" / "heads" / "main").write_text("a" * 40 + "\n")
    staged = stage(folder, place)
    assert (staged.commit, (staged.folder / ".git").exists()) == ("a" * 40, False)
    (git / "refs" / "heads" / "main").unlink()
    (git / "packed-refs").write_text(f"# pack-refs\n{'b' * 40} refs/heads/main\n")
    assert stage(folder, place / "again").commit == "b" * 40


@pytest.mark.parametrize(
    "path",
    ["../evil.py", "weather/../../evil.py", "/evil.py", "C:evil.py", "..\\evil.py", "a//evil.py", "./evil.py",
     "evil.py\0.txt", "x" * 300, "MANIFEST.JSON"],
)  # fmt: skip
def test_a_path_that_leads_out_or_hides_another_is_refused(tmp_path: Path, place: Path, path: str) -> None:
    source = zipped(tmp_path / "weather.zip", {"manifest.json": MANIFEST, path: "x"})
    with pytest.raises(NoPlugin):
        stage(source, place)
    outside = {"inner", "place", "weather.zip", "weather", "manifest.json"}
    assert {it.name for it in tmp_path.rglob("*")} <= outside


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices_of_a_zip_are_refused(tmp_path: Path, place: Path, kind: int) -> None:
    def change(info: zipfile.ZipInfo) -> None:
        info.create_system = 3
        info.external_attr = (kind | 0o777) << 16

    source = zipped(tmp_path / "weather.zip", {"manifest.json": MANIFEST, "models.py": "/etc/passwd"}, change)
    with pytest.raises(NoPlugin, match="link or a device"):
        stage(source, place)


def test_links_of_a_folder_are_refused(tmp_path: Path, place: Path) -> None:
    folder = write(tmp_path, "weather")
    (folder / "models.py").symlink_to("/etc/passwd")
    with pytest.raises(NoPlugin, match=r"weather/models\.py: found a link"):
        stage(folder, place)
    with pytest.raises(NoPlugin, match="found a link"):
        pack(folder, tmp_path / "weather.zip")


def test_a_zip_bomb_ends_at_the_limit(tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "MAX_BYTES", 100_000)
    source = zipped(tmp_path / "weather.zip", {"manifest.json": MANIFEST, "a": "x" * 60_000, "b": "x" * 60_000})
    assert source.stat().st_size < 2000
    with pytest.raises(NoPlugin, match="more than"):
        stage(source, place)
    assert sum(it.stat().st_size for it in place.rglob("*") if it.is_file()) <= 100_000


def test_a_zip_that_lies_about_its_sizes_ends_at_the_limit(
    tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "MAX_BYTES", 100_000)
    source = zipped(tmp_path / "weather.zip", {"manifest.json": MANIFEST, "a": "x" * 200_000})
    data = source.read_bytes().replace((200_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    source.write_bytes(data)
    with pytest.raises(NoPlugin):
        stage(source, place)


def test_too_many_files_are_refused(tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "MAX_FILES", 3)
    files = {"manifest.json": MANIFEST, **{f"{number}.py": "" for number in range(3)}}
    with pytest.raises(NoPlugin, match="4 files"):
        stage(zipped(tmp_path / "weather.zip", files), place)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"no zip at all", io.BytesIO().getvalue() + b"PK\x05\x06" * 9])
def test_what_is_no_zip_is_refused(tmp_path: Path, place: Path, data: bytes) -> None:
    (tmp_path / "weather.zip").write_bytes(data)
    with pytest.raises(NoPlugin):
        stage(tmp_path / "weather.zip", place)


@pytest.mark.parametrize(
    ("name", "files", "word"),
    [
        ("v1", {"manifest.json": MANIFEST}, "/api/v1"),
        ("Weather", {"manifest.json": MANIFEST}, "small letters"),
        ("weather", {"readme.md": "x"}, "manifest.json"),
        ("weather", {"a/manifest.json": MANIFEST, "b/manifest.json": MANIFEST}, "single folder"),
        ("weather", {"manifest.json": "{"}, "no valid JSON"),
        ("weather", {"v1/manifest.json": MANIFEST}, "/api/v1"),
        ("weather", {"internal/manifest.json": MANIFEST}, "/api/internal"),
    ],
)
def test_what_is_no_plugin_is_explained(
    tmp_path: Path, place: Path, name: str, files: dict[str, str], word: str
) -> None:
    with pytest.raises(GridBearError, match=word):
        stage(zipped(tmp_path / f"{name}.zip", files), place)


def test_a_folder_without_manifest_and_a_bare_repository_are_explained(tmp_path: Path, place: Path) -> None:
    bare = tmp_path / "weather.git"
    (bare / "objects").mkdir(parents=True)
    with pytest.raises(NoPlugin, match=r"found no manifest\.json"):
        stage(bare, place)
    (bare / "HEAD").write_text("ref: refs/heads/main\n")
    with pytest.raises(NoPlugin, match="clone it"):
        stage(bare, place)
