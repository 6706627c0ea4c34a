"""What a bundle is made with: archives, sums, the comparing of builds, licences, icons, the Debian package."""

from __future__ import annotations

import importlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
WHEN = 1_700_000_000
DPKG = pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="dpkg-deb is Debian's")


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module of packaging/ by its name."""
    monkeypatch.syspath_prepend(str(ROOT / "packaging"))
    return importlib.import_module


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A program folder in miniature: a program, a library, a link to it."""
    made = tmp_path / "gridbear-desktop"
    (made / "_internal").mkdir(parents=True)
    (made / "gridbear").write_text("#!/bin/sh\n")
    (made / "gridbear").chmod(0o755)
    (made / "_internal" / "lib.so.1").write_bytes(b"code" * 1000)
    (made / "_internal" / "lib.so").symlink_to("lib.so.1")
    return made


def test_an_archive_of_the_same_files_is_the_same_whenever_it_is_made(tools: Any, folder: Path) -> None:
    files = tools("bundle_files")
    first = files.pack(folder, folder.parent / "a.tar.xz", WHEN).read_bytes()
    os.utime(folder / "gridbear", (1, 1))
    assert files.pack(folder, folder.parent / "b.tar.xz", WHEN).read_bytes() == first
    with tarfile.open(fileobj=io.BytesIO(first)) as archive:
        found = {entry.name: entry for entry in archive}
    assert found["gridbear-desktop/gridbear"].mode == 0o755
    assert found["gridbear-desktop/_internal/lib.so"].linkname == "lib.so.1"
    assert {entry.uid for entry in found.values()} == {0} and {entry.mtime for entry in found.values()} == {WHEN}


@pytest.mark.skipif(
    not shutil.which("sha256sum"), reason="checks our sum with sha256sum of coreutils, which this system lacks"
)
def test_the_sum_beside_a_file_is_one_that_sha256sum_checks(tools: Any, tmp_path: Path) -> None:
    file = tmp_path / "program.tar.xz"
    file.write_bytes(b"program")
    beside = tools("bundle_files").write_sum(file)
    assert beside.name == "program.tar.xz.sha256"
    check = ["sha256sum", "--check", "--strict", beside.name]
    assert subprocess.run(check, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    file.write_bytes(b"another")
    assert subprocess.run(check, cwd=tmp_path, capture_output=True, check=False).returncode == 1


def test_two_builds_are_compared_file_by_file(tools: Any, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compare = tools("bundle_compare")
    other = folder.parent / "other"
    shutil.copytree(folder, other, symlinks=True)
    assert compare.main([str(folder), str(other)]) == 0 and "the same" in capsys.readouterr().out
    (other / "_internal" / "lib.so.1").write_bytes(b"other")
    (other / "gridbear").chmod(0o644)
    (other / "more").touch()
    (other / "_internal" / "lib.so").unlink()
    assert compare.main([str(folder), str(other)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "_internal/lib.so: only in the first",
        "_internal/lib.so.1: differs",
        "gridbear: differs",
        "more: only in the second",
    ]
    assert compare.main([str(folder)]) == 2


def test_the_version_resource_says_what_it_is(tools: Any, tmp_path: Path) -> None:
    path = tools("version_resource").write(tmp_path / "v" / "gridbear.txt", "1.2.3", "gridbear", "It's GridBear")
    names = ("VSVersionInfo", "FixedFileInfo", "StringFileInfo", "StringTable", "VarFileInfo", "VarStruct")
    read: dict[str, Any] = {name: lambda *args, **kwargs: (args, kwargs) for name in names}
    told: dict[str, str] = {}
    read["StringStruct"] = told.__setitem__
    _, found = eval(path.read_text("utf-8"), read)
    assert found["ffi"][1]["filevers"] == (1, 2, 3, 0)
    assert told["FileDescription"] == "It's GridBear" and told["OriginalFilename"] == "gridbear.exe"
    with pytest.raises(ValueError):
        tools("version_resource").write(tmp_path / "x", "1.2.3.4.5", "x", "x")


def test_the_licence_of_a_package_and_of_python_come_along(tools: Any, tmp_path: Path) -> None:
    import fastapi
    import sqlalchemy

    written = tools("bundle_licences").collect([fastapi.__file__, sqlalchemy.__file__], tmp_path / "licences")
    names = {str(path.relative_to(tmp_path / "licences")) for path in written}
    assert {"fastapi/LICENSE", "gridbear-desktop/LICENSE", "OVERVIEW.txt", "ui/preact.txt"} <= names
    assert any(name.startswith("python/") for name in names)
    overview = (tmp_path / "licences" / "OVERVIEW.txt").read_text("utf-8")
    assert "fastapi" in overview and "MIT" in overview and "Python" in overview and "PySide6" not in overview


def test_a_package_without_a_word_on_its_licence_makes_no_bundle(
    tools: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    licences = tools("bundle_licences")
    info = tmp_path / "site" / "secretive-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: secretive\nVersion: 1.0\n")
    (info / "RECORD").write_text("secretive.py,,\nsecretive-1.0.dist-info/METADATA,,\n")
    (tmp_path / "site" / "secretive.py").touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), *sys.path])
    licences._owners.cache_clear()
    with pytest.raises(LookupError, match="secretive"):
        licences.collect([str(tmp_path / "site" / "secretive.py")], tmp_path / "licences")
    licences._owners.cache_clear()


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("PySide6/Qt/lib/libQt6WebEngineCore.so.6", True),
        ("PySide6/Qt/plugins/platforms/libqxcb.so", True),
        ("PySide6/Qt/translations/qtwebengine_locales/en-US.pak", True),
        ("PySide6/Qt/translations/qtwebengine_locales/de.pak", False),
        ("PySide6/Qt/translations/qtbase_de.qm", False),
        ("PySide6/Qt/qml/QtQuick/plugin.so", False),
        ("PySide6/Qt/plugins/platformthemes/libqgtk3.so", False),
        ("libgtk-3.so.0", False),
        ("libcrypto.so.3", True),
        ("assets/ui/vendor/preact.js", True),
        ("plugins/memo/examples/a.py", True),
        ("uvicorn-0.54.0.dist-info/METADATA", True),
        ("uvicorn-0.54.0.dist-info/RECORD", False),
    ],
)
def test_only_what_the_window_does_without_and_what_tells_of_this_machine_is_left_out(
    tools: Any, name: str, wanted: bool
) -> None:
    assert tools("bundle_trim").is_wanted(name) is wanted


def test_the_icon_is_there_in_all_sizes() -> None:
    icons = ROOT / "packaging" / "icons"
    sizes = sorted(int(path.stem) for path in (icons / "app").glob("*.png"))
    assert sizes == [16, 24, 32, 48, 64, 128, 256, 512]
    for size in sizes:
        with Image.open(icons / "app" / f"{size}.png") as image:
            assert image.size == (size, size) and image.getextrema()[3] != (255, 255), "it has a clear ground"
    with Image.open(icons / "gridbear.ico") as ico:
        assert ico.info["sizes"] == {(size, size) for size in (16, 24, 32, 48, 64, 128, 256)}
    with Image.open(icons / "gridbear.icns") as icns:
        assert {32, 64, 128, 256, 512} <= {width * scale for width, _height, scale in icns.info["sizes"]}


@DPKG
def test_the_debian_package_puts_everything_in_its_place(tools: Any, folder: Path) -> None:
    deb = tools("bundle_deb")
    package = deb.build(folder, folder.parent / "out", "1.2.3", WHEN)
    again = deb.build(folder, folder.parent / "again", "1.2.3", WHEN)
    assert package.read_bytes() == again.read_bytes()
    fields = subprocess.run(["dpkg-deb", "--field", package], capture_output=True, text=True, check=True).stdout
    assert "Package: gridbear-desktop\nVersion: 1.2.3\n" in fields
    listed = subprocess.run(["dpkg-deb", "--contents", package], capture_output=True, text=True, check=True).stdout
    lines = {line.split(maxsplit=5)[5]: line for line in listed.splitlines()}
    assert "./usr/bin/gridbear -> /opt/gridbear-desktop/gridbear" in lines
    assert lines["./opt/gridbear-desktop/gridbear"].startswith("-rwxr-xr-x root/root")
    for name in (
        "./etc/apparmor.d/gridbear-desktop",
        "./usr/share/applications/gridbear-desktop.desktop",
        "./usr/share/icons/hicolor/48x48/apps/gridbear-desktop.png",
        "./usr/share/icons/hicolor/scalable/apps/gridbear-desktop.svg",
        "./usr/share/doc/gridbear-desktop/copyright",
        "./usr/share/doc/gridbear-desktop/changelog.gz",
        "./usr/share/lintian/overrides/gridbear-desktop",
        "./usr/share/man/man1/gridbear.1.gz",
    ):
        assert lines[name].startswith("-rw-r--r-- root/root"), name
    assert not (folder.parent / "out" / "gridbear-desktop_1.2.3_amd64").exists()
    if shutil.which("lintian"):
        # The program in miniature is no ELF file: what the overrides are about is not there.
        check = ["lintian", "--allow-root", "--fail-on", "error,warning", "--suppress-tags", "mismatched-override"]
        judged = subprocess.run([*check, package], capture_output=True, text=True, check=False)
        assert judged.returncode == 0, judged.stdout


NEWS = """# Changelog

## [Unreleased]

### Added

- A thing that is told of in [a page](docs/using.md), so long that it does not fit into one line of a changelog.

## [1.2.2] - 2026-01-31

### Fixed

- It `works`.
"""


def test_the_debian_changelog_tells_each_version_what_the_changelog_does(tools: Any) -> None:
    changelog = tools("deb_changelog").changelog
    assert changelog(NEWS, "bear", "1.2.3", "Bear <bear@den>", WHEN) == (
        "bear (1.2.3) unstable; urgency=medium\n\n"
        "  [ Added ]\n"
        "  * A thing that is told of in a page, so long that it does not fit into one\n"
        "    line of a changelog.\n\n"
        " -- Bear <bear@den>  Tue, 14 Nov 2023 22:13:20 +0000\n\n"
        "bear (1.2.2) unstable; urgency=medium\n\n"
        "  [ Fixed ]\n"
        "  * It `works`.\n\n"
        " -- Bear <bear@den>  Sat, 31 Jan 2026 12:00:00 +0000\n"
    )
    assert changelog(NEWS, "bear", "2.0", "Bear <bear@den>", WHEN).startswith("bear (2.0) ")
    assert changelog("# Changelog\n", "bear", "2.0", "Bear <bear@den>", WHEN).startswith("bear (2.0) ")


@pytest.mark.skipif(not shutil.which("man"), reason="man is not installed: nothing here reads the page")
def test_the_manual_page_names_every_command_and_reads_without_a_warning(tools: Any, tmp_path: Path) -> None:
    text = tools("man_page").page("1.2.3", WHEN)
    file = tmp_path / "gridbear.1"
    file.write_text(text, "utf-8")
    env = {**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "100"}
    read = subprocess.run(
        ["man", "--warnings", "--local-file", str(file)], env=env, capture_output=True, text=True, check=False
    )
    assert (read.returncode, read.stderr) == (0, "")
    plain = " ".join(read.stdout.split())
    for section in tools("cli_commands").sections():
        assert section.usage in plain, section.usage
    assert "wants one" not in plain and "`" not in plain


@pytest.mark.parametrize("script", ["postinst", "prerm"])
def test_the_scripts_of_the_package_are_shell(script: str) -> None:
    path = ROOT / "packaging" / "linux" / script
    assert subprocess.run(["sh", "-n", str(path)], capture_output=True, check=False).returncode == 0
