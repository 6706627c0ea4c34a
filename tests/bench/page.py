"""What it takes to open a page in a browser: requests, bytes over the wire, time until it answers, memory of scripts.

Each figure is of a context of its own, with nothing kept from before. *Interactive* is the time from the start of the
navigation until what the page is for is there (a heading, a row, the field for the name) and a first click has done
its work: on a navigation entry, which is marked as the current one then, or, where nobody is signed in, on the button
that shows the password. The other figures are taken without a click, when no request has run for half a second;
memory is that of the page's scripts after the garbage has been collected.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from playwright.sync_api import Browser, BrowserContext, Page, StorageState, sync_playwright

from tests.bench.servers import PASSWORD, Served
from tests.bench.table import Table
from tests.bench.wire import Wire
from tests.e2e.watched_page import CHROMIUM, CHROMIUM_ARGS

ROUNDS = 5
WAIT_SECONDS = 30
# Looked at before every frame: a click that came too early is made again.
_CLICKER = """([ready, entry, done]) => {
  const look = () => {
    if (document.querySelector(done)) return void (window.__interactive = performance.now());
    if (document.querySelector(ready)) document.querySelector(entry)?.click();
    requestAnimationFrame(look);
  };
  look();
}"""


@dataclass(frozen=True, slots=True)
class Place:
    """A page of a product by its address, and the selectors of what it is for, of what is clicked, of what then is."""

    path: str
    ready: str
    entry: str
    done: str


@dataclass(frozen=True, slots=True)
class Product:
    """The fields that one signs in with, and the same three pages of each."""

    name_field: str
    name: str
    password_field: str
    places: tuple[Place, Place, Place]


NAMES = ("sign-in", "start page", "grid of 40,000 records")
_DATA = 'nav a[href$="#/data"]'
_ACTIVITY = 'nav a[href$="#/activity"]'
_LOGS = 'nav a[href="#/logs"]'
PRODUCTS = {
    "GridBear": Product(
        "#username", "ada", "#password",
        (
            Place("/auth/login", "#username", ".input:has(#password) button", "#password[type=text]"),
            Place("/", ".frame h1", _DATA, f"{_DATA}[aria-current=page]"),
            Place("/#/data/notes", ".grid tbody tr", _ACTIVITY, f"{_ACTIVITY}[aria-current=page]"),
        ),
    ),
    "PocketBase": Product(
        "#login_identity", "ada@example.com", "#login_pass",
        (
            Place("/_/#/login", "#login_identity", ".fields:has(#login_pass) button", "#login_pass[type=text]"),
            Place("/_/", ".page-content .breadcrumbs", _LOGS, f"{_LOGS}.active"),
            Place("/_/#/collections?collection=notes", "tbody tr.handle", _LOGS, f"{_LOGS}.active"),
        ),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Opened:
    """Medians of all rounds: seconds and bytes."""

    requests: float
    wire: float
    interactive: float
    heap: float


def _each(both: list[Opened | None], read: Callable[[Opened], float]) -> list[float | None]:
    return [None if one is None else read(one) for one in both]


def table(running: Sequence[Served]) -> Table:
    """The figures of every page, GridBear's beside PocketBase's. Raises RuntimeError without Chromium."""
    if not CHROMIUM:
        raise RuntimeError("no Chromium on this machine; GRIDBEAR_CHROMIUM may name it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        found = {served.name: _opened(browser, served) for served in running}
        browser.close()
    rows = []
    for number, name in enumerate(NAMES):
        small = number < 2
        both = [found[product][number] if product in found else None for product in PRODUCTS]
        rows += [
            _row(f"{name}: requests", _each(both, lambda one: one.requests), 1, 0, "", "–"),
            _row(
                f"{name}: over the wire",
                _each(both, lambda one: one.wire),
                1000,
                0,
                " KB",
                "≤ 150 KB" if small else "–",
            ),
            _row(f"{name}: interactive", _each(both, lambda one: one.interactive), 1, 2, " s", "≤ 1 s"),
            _row(f"{name}: memory of scripts", _each(both, lambda one: one.heap), 1e6, 1, " MB", "–"),
        ]
    return Table([f"median of {ROUNDS}", *PRODUCTS, "ratio", "goal"], rows)


def _row(name: str, both: Sequence[float | None], per: float, digits: int, unit: str, goal: str) -> list[str]:
    ours, theirs = both
    assert ours is not None
    said = ["–" if one is None else f"{one / per:.{digits}f}{unit}" for one in both]
    return [name, *said, "–" if not theirs else f"{ours / theirs:.2f}×", goal]


def _opened(browser: Browser, served: Served) -> list[Opened]:
    product = PRODUCTS[served.name]
    base = f"http://127.0.0.1:{served.port}"
    sign_in, start, _grid = product.places
    with _context(browser) as context:
        page = context.new_page()
        page.goto(base + sign_in.path)
        page.fill(product.name_field, product.name)
        page.fill(product.password_field, PASSWORD)
        page.keyboard.press("Enter")
        page.locator(start.ready).first.wait_for()
        signed_in = context.storage_state()
    return [_measured(browser, base, place, None if place is sign_in else signed_in) for place in product.places]


def _measured(browser: Browser, base: str, place: Place, state: StorageState | None) -> Opened:
    rounds = []
    for _ in range(ROUNDS):
        with _context(browser, state) as context:
            page = context.new_page()
            wire = Wire(page)
            page.goto(base + place.path)
            page.locator(place.ready).first.wait_for()
            page.wait_for_load_state("networkidle")
            heap = _heap(wire)
            fetched = len(wire.fetched), wire.total
        with _context(browser, state) as context:
            rounds.append((*fetched, _interactive(context.new_page(), base, place), heap))
    return Opened(*(statistics.median(figures) for figures in zip(*rounds, strict=True)))


def _context(browser: Browser, state: StorageState | None = None) -> BrowserContext:
    return browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB", storage_state=state)


def _interactive(page: Page, base: str, place: Place) -> float:
    """Seconds."""
    page.add_init_script(f"({_CLICKER})({[place.ready, place.entry, place.done]!r})")
    page.goto(base + place.path)
    end = time.monotonic() + WAIT_SECONDS
    while not (found := page.evaluate("window.__interactive || 0")):
        if time.monotonic() > end:
            raise TimeoutError(f"{base}{place.path} did not answer the click on {place.entry}")
        page.wait_for_timeout(50)
    return float(found) / 1000


def _heap(wire: Wire) -> float:
    wire.cdp.send("HeapProfiler.enable")
    wire.cdp.send("HeapProfiler.collectGarbage")
    return float(wire.cdp.send("Runtime.getHeapUsage")["usedSize"])
