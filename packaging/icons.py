"""Draws the icons from the SVG files in packaging/icons with Chromium, after one of them has changed.

assets/icons: what the program shows; packaging/icons: the program's own icon, as PNG for Linux, ICO and ICNS.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "packaging" / "icons"
TARGET = ROOT / "assets" / "icons"
TRAY_SIZE = 64
WINDOW_SIZE = 256
# hicolor's sizes, and those that Windows and macOS ask for.
APP_SIZES = (16, 24, 32, 48, 64, 128, 256, 512)
ICO_SIZES = (16, 24, 32, 48, 64, 128, 256)
# The accent of assets/ui, on which the logo stands.
TILE = "background:oklch(0.808 0.152 78);border-radius:22%;color:#2b2723;padding:14%;box-sizing:border-box"


def draw(page: Page, svg: str, size: int, target: Path, style: str = "") -> None:
    """Photograph one drawing, `size` pixels square, on a clear ground."""
    page.set_viewport_size({"width": size, "height": size})
    page.set_content(
        "<style>html,body{margin:0;background:transparent}"
        f"div{{width:{size}px;height:{size}px;{style}}}svg{{display:block;width:100%;height:100%}}</style>"
        f"<div>{svg}</div>"
    )
    page.screenshot(path=target, omit_background=True)
    print(target.relative_to(ROOT))


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("No Chromium found on the PATH.")
    (TARGET / "tray").mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        for source in sorted(SOURCES.glob("*-*.svg")):
            draw(page, source.read_text("utf-8"), TRAY_SIZE, TARGET / "tray" / f"{source.stem}.png")
        draw(page, (SOURCES / "logo.svg").read_text("utf-8"), WINDOW_SIZE, TARGET / "window.png", TILE)
        (SOURCES / "app").mkdir(exist_ok=True)
        for size in APP_SIZES:
            draw(page, (SOURCES / "app.svg").read_text("utf-8"), size, SOURCES / "app" / f"{size}.png")
        browser.close()
    write_containers()


def write_containers() -> None:
    """The files that hold several sizes, of the PNG files of the program's icon."""
    drawn = {size: Image.open(SOURCES / "app" / f"{size}.png").convert("RGBA") for size in APP_SIZES}
    small = [drawn[size] for size in ICO_SIZES[:-1]]
    drawn[256].save(SOURCES / "gridbear.ico", sizes=[(size, size) for size in ICO_SIZES], append_images=small)
    drawn[512].save(SOURCES / "gridbear.icns", append_images=[drawn[size] for size in (16, 32, 64, 128, 256)])


if __name__ == "__main__":
    main()
