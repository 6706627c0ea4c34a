"""Icons read from PNG files without a library for pictures."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from gridbear_desktop.pixmap import SIGNATURE, read_pixmap
from server.this_computer import resource_dir

TRAY_ICONS = sorted((resource_dir("assets") / "icons" / "tray").glob("*.png"))


@pytest.mark.parametrize("file", TRAY_ICONS, ids=lambda file: file.stem)
def test_icons_are_read_as_they_are(file: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="needs the desktop packages")
    with image.open(file) as picture:
        red, green, blue, alpha = picture.convert("RGBA").split()
    assert read_pixmap(file) == (*picture.size, image.merge("RGBA", (alpha, red, green, blue)).tobytes())


def png(kind: bytes, pixels: bytes) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + bytes(4)

    return SIGNATURE + chunk(b"IHDR", struct.pack(">II", 1, 1) + kind) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"GIF89a", "no PNG"),
        (SIGNATURE + b"IHDR", "damaged"),
        (png(bytes((8, 6, 0, 0, 0)), b"no zlib"), "damaged"),
        (png(bytes((8, 2, 0, 0, 0)), zlib.compress(bytes(4))), "another kind"),
        (png(bytes((8, 6, 0, 0, 0)), zlib.compress(bytes(4))), "another kind"),
    ],
)
def test_what_is_no_icon_is_refused(tmp_path: Path, data: bytes, why: str) -> None:
    (tmp_path / "icon.png").write_bytes(data)
    with pytest.raises(ValueError, match=why):
        read_pixmap(tmp_path / "icon.png")
