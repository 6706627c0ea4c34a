"""An icon's pixels as panels take them over D-Bus, read from a PNG file without any library for pictures."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_RGBA_OF_8_BITS = (8, 6, 0, 0, 0)
"""Depth, colour type, compression, filter and interlacing of the files that packaging/icons.py draws."""

Pixmap = tuple[int, int, bytes]
"""Width, height, and rows of pixels from the top: alpha, red, green and blue in a byte each."""


def read_pixmap(file: Path) -> Pixmap:
    """The picture in `file`. Raises OSError, and ValueError on what is no PNG of 8 bits with alpha."""
    data = file.read_bytes()
    if not data.startswith(SIGNATURE):
        raise ValueError(f"{file} is no PNG file")
    try:
        width, height, *kind = struct.unpack_from(">II5B", data, 16)
        pixels = zlib.decompress(_compressed(data))
    except (struct.error, zlib.error) as error:
        raise ValueError(f"{file} is damaged ({error})") from error
    if tuple(kind) != _RGBA_OF_8_BITS or len(pixels) != height * (1 + 4 * width):
        raise ValueError(f"{file} is another kind of PNG")
    plain = _unfiltered(pixels, 4 * width)
    turned = bytearray(len(plain))
    for channel in range(4):
        turned[(channel + 1) % 4 :: 4] = plain[channel::4]
    return width, height, bytes(turned)


def _compressed(data: bytes) -> bytes:
    """What all chunks of pixels hold."""
    found, place = bytearray(), len(SIGNATURE)
    while place < len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        if name == b"IDAT":
            found += data[place + 8 : place + 8 + length]
        place += 12 + length
    return bytes(found)


def _unfiltered(pixels: bytes, row_bytes: int) -> bytearray:
    """The rows without the differences to their neighbours that PNG stores (its specification, 9.2)."""
    result, above = bytearray(), bytes(row_bytes)
    for start in range(0, len(pixels), row_bytes + 1):
        how, row = pixels[start], bytearray(pixels[start + 1 : start + 1 + row_bytes])
        for place in range(row_bytes):
            left = row[place - 4] if place >= 4 else 0
            if how == 1:
                row[place] = row[place] + left & 255
            elif how == 2:
                row[place] = row[place] + above[place] & 255
            elif how == 3:
                row[place] = row[place] + (left + above[place]) // 2 & 255
            elif how == 4:
                row[place] = row[place] + _paeth(left, above[place], above[place - 4] if place >= 4 else 0) & 255
        result += row
        above = bytes(row)
    return result


def _paeth(left: int, above: int, corner: int) -> int:
    """Whichever neighbour is nearest to their sum without the corner."""
    guess = left + above - corner
    return min((left, above, corner), key=lambda one: abs(guess - one))
