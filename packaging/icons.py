"""Draws assets/icons from the SVG files in packaging/icons with Chromium, after one of them has changed."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "packaging" / "icons"
TARGET = ROOT / "assets" / "icons"
TRAY_SIZE = 64
WINDOW_SIZE = 256
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
        browser.close()


if __name__ == "__main__":
    main()
