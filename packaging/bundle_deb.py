"""A Debian package of the desktop program: dpkg-deb around the folder, with what Debian wants beside a program."""

from __future__ import annotations

import gzip
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import dev_venv
from bundle_files import megabytes
from deb_changelog import changelog

ROOT = Path(__file__).resolve().parent.parent
LINUX = ROOT / "packaging" / "linux"
NAME = "gridbear-desktop"
MAINTAINER = "GridBear Desktop <gridbear@users.noreply.github.com>"
"""Debian wants an address: that of the account of the sources, where no mail is read. `Homepage` leads to people."""
_CONTROL = """Package: gridbear-desktop
Version: {version}
Architecture: {architecture}
Maintainer: {maintainer}
Installed-Size: {kilobytes}
Section: net
Priority: optional
Depends: libc6 (>= {libc}), libegl1, libgl1, libfontconfig1, libnss3, libx11-6
Recommends: xdg-utils, ca-certificates
Homepage: https://github.com/gridbear/gridbear-desktop
Description: personal server in your tray
 A data API, an MCP gateway, webhooks and plugins on one SQLite file, with a
 window and a tray icon. It works offline and sends nothing anywhere unless
 you set it up.
"""


def can_build() -> bool:
    """Whether this system has what packages are made with."""
    return sys.platform == "linux" and shutil.which("dpkg-deb") is not None


def build(folder: Path, target: Path, version: str, when: int) -> Path:
    """A package of the program in `folder`, written below `target`. `when` is the time of all its files."""
    architecture = subprocess.check_output(["dpkg", "--print-architecture"], text=True).strip()
    root = target / f"{NAME}_{version}_{architecture}"
    shutil.rmtree(root, ignore_errors=True)
    lay_out(folder, root)
    (root / "DEBIAN").mkdir()
    _write_documents(root, version, when)
    control = _CONTROL.format(
        version=version,
        architecture=architecture,
        maintainer=MAINTAINER,
        kilobytes=round(megabytes(root) * 1000),
        libc=_libc(),
    )
    (root / "DEBIAN" / "control").write_text(control, "utf-8")
    for script in ("postinst", "prerm"):
        shutil.copyfile(LINUX / script, root / "DEBIAN" / script)
        (root / "DEBIAN" / script).chmod(0o755)
    (root / "DEBIAN" / "conffiles").write_text(f"/etc/apparmor.d/{NAME}\n", "utf-8")
    for path in root.rglob("*"):
        if not path.is_symlink():
            # Libraries are read, not run.
            runs = path.stat().st_mode & 0o100 and ".so" not in path.suffixes
            path.chmod(0o755 if path.is_dir() or runs else 0o644)
    package = root.with_name(f"{root.name}.deb")
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(when)}
    command = ["dpkg-deb", "--root-owner-group", "-Zxz", "--build", str(root), str(package)]
    subprocess.check_call(command, env=environment, stdout=subprocess.DEVNULL)
    shutil.rmtree(root)
    return package


def lay_out(folder: Path, root: Path) -> None:
    """Put the program and what presents it where Debian wants them, below `root`."""
    shutil.copytree(folder, root / "opt" / NAME, symlinks=True)
    (root / "usr" / "bin").mkdir(parents=True)
    (root / "usr" / "bin" / "gridbear").symlink_to(f"/opt/{NAME}/gridbear")
    for source, place in (
        (LINUX / f"{NAME}.desktop", f"usr/share/applications/{NAME}.desktop"),
        (LINUX / "lintian-overrides", f"usr/share/lintian/overrides/{NAME}"),
        (LINUX / "apparmor", f"etc/apparmor.d/{NAME}"),
        (ROOT / "packaging" / "icons" / "app.svg", f"usr/share/icons/hicolor/scalable/apps/{NAME}.svg"),
        (ROOT / "LICENSE", f"usr/share/doc/{NAME}/copyright"),
        *(
            (icon, f"usr/share/icons/hicolor/{icon.stem}x{icon.stem}/apps/{NAME}.png")
            for icon in sorted((ROOT / "packaging" / "icons" / "app").glob("*.png"))
        ),
    ):
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, root / place)


def _write_documents(root: Path, version: str, when: int) -> None:
    """The changelog and the manual page, packed as Debian wants them."""
    news = changelog((ROOT / "CHANGELOG.md").read_text("utf-8"), NAME, version, MAINTAINER, when)
    # The commands import what they are made of, which the environment has.
    command = [str(dev_venv.PYTHON), "packaging/man_page.py", version, str(when)]
    manual = subprocess.check_output(command, cwd=ROOT)
    for place, content in ((f"doc/{NAME}/changelog.gz", news.encode()), ("man/man1/gridbear.1.gz", manual)):
        file = root / "usr" / "share" / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(gzip.compress(content, 9, mtime=0))


def _libc() -> str:
    """The C library's version here: the program wants one at least as new."""
    return platform.libc_ver()[1]
