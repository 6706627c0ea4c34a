"""Files of rows, read in batches of columns with constant memory; what all kinds of files share."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, Literal

from server.errors import ValidationFailed

Bad = tuple[int, str, str, str]
"""A refused row: its number, the field (may be empty), code and message."""

ImportFormat = Literal["csv", "json", "jsonl", "sqlite"]
IMPORT_FORMATS: tuple[ImportFormat, ...] = ("csv", "json", "jsonl", "sqlite")
BATCH_ROWS = 2000
BLOCK_BYTES = 1 << 20
MAX_ROW_BYTES = 32 << 20
"""The longest line, value or element of a file."""

_SQLITE_START = b"SQLite format 3\x00"


@dataclass(slots=True)
class Batch:
    """Some rows: their numbers (1 is the first row of data), their columns, and rows that could not be read."""

    numbers: Sequence[int]
    columns: list[list[Any]]
    bad: list[Bad] = field(default_factory=list)


@dataclass(slots=True)
class RowFile:
    """An open file of rows."""

    format: ImportFormat
    typed: bool
    """Whether its values have JSON types; else texts stand for all of them."""
    header: list[str] | None
    """The names of its columns, None where each row names its own."""
    batches: Callable[[list[str]], Iterator[Batch]]
    """Reads the named columns, in this order."""
    position: Callable[[], int]
    """How many bytes were read."""
    table: str | None = None
    tables: list[str] = field(default_factory=list)
    delimiter: str | None = None


def sniffed_format(start: bytes) -> ImportFormat:
    """What a file that begins like this is."""
    if start.startswith(_SQLITE_START):
        return "sqlite"
    text = start.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    return "json" if text == b"[" else "jsonl" if text == b"{" else "csv"


def refuse_other_encodings(start: bytes) -> None:
    """Raises ValidationFailed for UTF-16 and UTF-32, naming the remedy."""
    wide = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE))
    if wide or (len(start) >= 4 and start[:64].count(0) * 3 >= len(start[:64])):
        raise ValidationFailed(
            "The file is no UTF-8 but UTF-16 or UTF-32. Save it as “CSV UTF-8” or convert it, then send it again.",
            code="invalid_utf8",
        )


class Blocks:
    """A binary file in blocks that end with a line."""

    def __init__(self, file: IO[bytes], end: bytes = b"\n") -> None:
        self._file = file
        self._end = end
        self.read = 0

    def __iter__(self) -> Iterator[bytes]:
        rest = b""
        while block := self._file.read(BLOCK_BYTES):
            self.read += len(block)
            cut = block.rfind(self._end)
            if cut < 0:
                rest += block
                if len(rest) > MAX_ROW_BYTES:
                    raise ValidationFailed(
                        f"The file has a line of more than {MAX_ROW_BYTES} bytes.", code="line_too_long"
                    )
                continue
            yield rest + block[: cut + 1]
            rest = block[cut + 1 :]
        if rest:
            yield rest
