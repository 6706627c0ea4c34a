"""`Range` of a request: the one part of a file that is wanted."""

from __future__ import annotations

import re

from server.errors import RangeNotSatisfiable

_RANGE = re.compile(r"\s*bytes\s*=\s*([0-9]{0,19})\s*-\s*([0-9]{0,19})\s*", re.IGNORECASE)


def byte_range(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte of the part that `header` asks for, of a file of `size` bytes.

    None where the whole file is the answer: no header, one that can't be understood, or several parts at once.
    Raises RangeNotSatisfiable when the part lies beyond the end.
    """
    found = _RANGE.fullmatch(header)
    if found is None or found[1] == found[2] == "":
        return None
    if found[1] == "":
        length = int(found[2])
        if length == 0 or size == 0:
            raise RangeNotSatisfiable(size)
        return max(0, size - length), size - 1
    first = int(found[1])
    last = int(found[2]) if found[2] else size - 1
    if found[2] and last < first:
        return None
    if first >= size:
        raise RangeNotSatisfiable(size)
    return first, min(last, size - 1)
