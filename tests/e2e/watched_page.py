"""A browser page that remembers everything a page of ours must not do."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

CHROMIUM = os.environ.get("GRIDBEAR_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome") or ""
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# Nothing here is about speed: a slow machine gets the time that it needs.
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
STATIC = re.compile(r"^/((plugins/[^/]+/)?ui/.*|favicon\.ico)?$")
# The lines are made in the page: all that axe tells, also of what is right, is half a megabyte for each look.
RUN_AXE = """
async (tags) => {
  const found = await axe.run(document, {runOnly: {type: "tag", values: tags}, resultTypes: ["violations"]});
  return found.violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 160)}`));
}
"""
# Placed before the page's own scripts: a violation fires an event that nothing can miss.
WATCH_CSP = """
window.__violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.__violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile || ""}`));
"""
# Fonts are there and every animation that ends has ended.
SETTLED = """
document.fonts.ready
  .then(() => Promise.all(document.getAnimations()
    .filter((one) => one.effect.getTiming().iterations !== Infinity)
    .map((one) => one.finished.catch(() => 0))))
  .then(() => true)
"""


@contextmanager
def open_browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        try:
            yield browser
        finally:
            browser.close()


class Watched:
    """A page in a context of its own. `check()` raises if anything forbidden happened since the last check."""

    def __init__(
        self,
        browser: Browser,
        base: str,
        theme: str = "light",
        width: int = 1280,
        cookies: Mapping[str, str] | None = None,
    ) -> None:
        phone = width < 720
        self.base = base
        self.context = browser.new_context(
            viewport={"width": width, "height": 844 if phone else 800},
            color_scheme="dark" if theme == "dark" else "light",
            has_touch=phone,
            is_mobile=phone,
            locale="en-GB",
        )
        self.context.set_default_timeout(PATIENCE_MS)
        self.context.add_cookies([{"name": key, "value": value, "url": base} for key, value in (cookies or {}).items()])
        self.context.add_init_script(WATCH_CSP)
        self.page: Page = self.context.new_page()
        self.console: list[str] = []
        self.requests: list[tuple[str, str]] = []
        self.foreign: list[str] = []
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.console.append(f"uncaught: {error}"))
        self.page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        # Only a machine that is slow just now says this.
        if "was preloaded using link preload but not used" in message.text:
            return
        if message.type in ("error", "warning"):
            self.console.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("data", "blob"):
            return
        if (parts.scheme, parts.netloc) != urlsplit(self.base)[:2]:
            self.foreign.append(request.url)
            return
        self.requests.append((request.method, parts.path.removeprefix(urlsplit(self.base).path)))

    def open(self, path: str, ready: str) -> Page:
        """Go to `path` below the base and wait until the selector `ready` is seen. What was typed here is given up."""
        self.page.goto(f"{self.base}{path}")
        question = self.page.locator("dialog[open] .btn.danger", has_text="Discard")
        self.page.locator(ready).or_(question).first.wait_for()
        if question.is_visible():
            question.click()
        self.page.locator(ready).first.wait_for()
        self.settle()
        return self.page

    def settle(self) -> None:
        self.page.wait_for_load_state("networkidle")
        self.page.evaluate(SETTLED)

    def axe(self) -> list[str]:
        """What axe-core finds wrong, one line per rule and element. From here on the page keeps still."""
        # What comes in while axe looks would be half faded: its contrast is not the one that people read.
        self.page.emulate_media(reduced_motion="reduce")
        self.page.evaluate(SETTLED)
        if not self.page.evaluate("Boolean(window.axe)"):
            self.page.evaluate(AXE.read_text("utf-8"))
        found: list[str] = self.page.evaluate(RUN_AXE, TAGS)
        return found

    def check(self, documented: Documented | None = None, allowed: tuple[str, ...] = ()) -> None:
        """`allowed`: parts of console messages that this test provokes on purpose."""
        assert self.page.evaluate("window.__violations") == []
        said = [line for line in self.console if not any(part in line for part in allowed)]
        assert said == [], said
        assert self.foreign == []
        assert self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
        if documented is not None:
            unknown = sorted({one for one in self.requests if not STATIC.match(one[1]) and one not in documented})
            assert unknown == [], unknown

    def close(self) -> None:
        self.context.close()


class Documented:
    """The requests that openapi.json describes: `("GET", "/api/v1/notes/3") in documented`."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.known: list[tuple[str, re.Pattern[str]]] = []
        self.learn(document)

    def learn(self, document: dict[str, Any]) -> None:
        """Models come and go: what `document` describes is known from now on as well."""
        self.known += [
            (method.upper(), re.compile("^" + re.sub(r"\\\{[^/]+?\\\}", "[^/]+", re.escape(path)) + "$"))
            for path, operations in document["paths"].items()
            for method in operations
        ]

    def __contains__(self, request: object) -> bool:
        assert isinstance(request, tuple)
        return any(method == request[0] and pattern.match(request[1]) for method, pattern in self.known)
