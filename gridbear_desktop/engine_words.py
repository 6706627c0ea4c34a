"""What a window's web engine says on stderr, for the log: bounded, and without what signs in."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable
from typing import IO

FIRST_LINES = 100
"""So many are told at once; of more, the last ones when it has ended."""
LAST_LINES = 30
LONGEST = 500
"""Characters of a line; the rest of it is left out."""
_PIECE = 65_536
_OF_PAGES = b"js: "
"""Qt writes what pages say to their console like this: that may be anything, and is none of the engine's words."""
_AFTER_ADDRESS = re.compile(r"(?<=\?)[^\s\"'<>)\]]+")
"""Of an address the part that may hold a ticket."""


def follow(stream: IO[bytes], tell: Callable[[str], None]) -> threading.Thread:
    """Tell the lines of `stream`, in a thread that ends with it. However much is said, the stream never fills up."""
    thread = threading.Thread(target=_read, args=(stream, tell), name="engine-words", daemon=True)
    thread.start()
    return thread


def _read(stream: IO[bytes], tell: Callable[[str], None]) -> None:
    told = left_out = 0
    last: deque[str] = deque(maxlen=LAST_LINES)
    is_rest = False
    with stream:
        while piece := stream.readline(_PIECE):
            is_rest, was_rest = not piece.endswith(b"\n"), is_rest
            if was_rest or piece.startswith(_OF_PAGES) or not (line := _plain(piece)):
                continue
            if told < FIRST_LINES:
                told += 1
                tell(line)
            else:
                left_out += 1
                last.append(line)
    if left_out > len(last):
        tell(f"[{left_out - len(last)} lines left out]")
    for line in last:
        tell(line)


def _plain(piece: bytes) -> str:
    # Cut afterwards: half an address would not be known for one.
    text = _AFTER_ADDRESS.sub("…", piece.decode("utf-8", "replace"))
    return "".join(one if one.isprintable() else " " for one in text).strip()[:LONGEST]
