"""Where the window was and how large, kept for the next time it opens."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

FILE_NAME = "window.json"
SMALLEST = (390, 500)
LARGEST = 20_000
SEEN_PIXELS = 120
"""So much of the window has to lie on a screen, or it could not be moved back."""


class Screen(Protocol):
    """One screen, in pixels."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Place:
    """Size and place in pixels; without a place the desktop chooses one."""

    width: int = 1280
    height: int = 860
    x: int | None = None
    y: int | None = None


def read(run: Path) -> Place:
    """The place that is kept, or the one of a first start where there is none that can be used."""
    try:
        place = Place(**json.loads((run / FILE_NAME).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return Place()
    numbers = (place.width, place.height, place.x or 0, place.y or 0)
    if not all(type(number) is int and abs(number) <= LARGEST for number in numbers):
        return Place()
    return replace(place, width=max(place.width, SMALLEST[0]), height=max(place.height, SMALLEST[1]))


def on_a_screen(place: Place, screens: Sequence[Screen]) -> Place:
    """`place`, left to the desktop where no screen shows enough of it: one may be gone since."""
    if place.x is None or place.y is None or any(_shows(screen, place, place.x, place.y) for screen in screens):
        return place
    return replace(place, x=None, y=None)


def write(run: Path, place: Place) -> None:
    """Keep it. What can't be written is not kept."""
    draft = run / f"{FILE_NAME}.{os.getpid()}"
    with contextlib.suppress(OSError):
        draft.write_text(json.dumps(asdict(place)), "utf-8")
        draft.replace(run / FILE_NAME)


def _shows(screen: Screen, place: Place, x: int, y: int) -> bool:
    across = min(x + place.width, screen.x + screen.width) - max(x, screen.x)
    # The title bar is what it is moved by: its upper edge has to be there.
    return across >= SEEN_PIXELS and screen.y <= y + 1 and y <= screen.y + screen.height - SEEN_PIXELS
