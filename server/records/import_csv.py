"""CSV files: delimiter, header, quotation marks, and what an empty cell means."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import IO

from server.errors import ValidationFailed
from server.records.import_files import BATCH_ROWS, MAX_ROW_BYTES, Bad, Batch, Blocks, RowFile, refuse_other_encodings

DELIMITERS = (",", ";", "\t", "|")
_EMPTY_TEXT = "\ud800"
# `""` alone between two delimiters: an empty text, unlike nothing at all, which is no value. Within a quoted text the
# same characters mean a quotation mark, which is put back afterwards; no text of a file can hold the stand-in.
_WORDS_OF_EMPTY: dict[str, re.Pattern[str]] = {
    delimiter: re.compile(rf'""(?<![^{re.escape(delimiter)}\r\n]"")(?![^{re.escape(delimiter)}\r\n])')
    for delimiter in DELIMITERS
}
# The whole process shares this limit; nobody else here reads CSV.
csv.field_size_limit(MAX_ROW_BYTES)


def open_csv(file: IO[bytes], delimiter: str | None) -> RowFile:
    """Raises ValidationFailed for an empty file, a bad header, or an encoding that is no UTF-8."""
    start = file.read(64 * 1024)
    file.seek(3 if start.startswith(codecs.BOM_UTF8) else 0)
    refuse_other_encodings(start)
    chosen = delimiter or guessed_delimiter(start)
    source = _CsvSource(file, chosen, b"\n" if b"\n" in start or b"\r" not in start else b"\r")
    header = source.header()

    def batches(names: list[str]) -> Iterator[Batch]:
        return source.batches([header.index(name) for name in names], len(header))

    return RowFile("csv", False, header, batches, lambda: source.blocks.read, delimiter=chosen)


def guessed_delimiter(start: bytes) -> str:
    """The delimiter that the first line has most of, outside of quotation marks."""
    text = start.decode("utf-8", "replace").removeprefix("\ufeff")
    unquoted = re.sub(r'"(?:[^"]|"")*"', "", text)
    line = next((line for line in re.split(r"[\r\n]", unquoted) if line), "")
    return max(DELIMITERS, key=line.count)


class _CsvSource:
    def __init__(self, file: IO[bytes], delimiter: str, end: bytes) -> None:
        self.blocks = Blocks(file, end)
        self._end = end.decode()
        self._empty = _WORDS_OF_EMPTY[delimiter]
        self._marked = False
        self._reader = csv.reader(chain.from_iterable(map(self._lines, self.blocks)), delimiter=delimiter, strict=True)

    def _lines(self, block: bytes) -> list[str]:
        try:
            text = block.decode()
        except UnicodeDecodeError:
            text = block.decode("utf-8", "surrogateescape")
        text, found = self._empty.subn(_EMPTY_TEXT, text)
        self._marked = self._marked or found > 0
        # Not splitlines: it knows many more line ends than CSV does.
        lines = text.split(self._end)
        return [f"{line}{self._end}" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])

    def header(self) -> list[str]:
        try:
            names = next((row for row in self._reader if row), None)
        except csv.Error as error:
            raise ValidationFailed(f"The header of the file is broken ({error}).", code="bad_header") from None
        if names is None:
            raise ValidationFailed("The file is empty: not even a header is there.", code="empty_file")
        names = [name.replace(_EMPTY_TEXT, "").strip() or f"column {at}" for at, name in enumerate(names, start=1)]
        problem = None
        if any(not name.isprintable() for name in names):
            problem = "it has characters that are no text (Is the file saved as UTF-8?)"
        elif len(set(names)) < len(names):
            problem = f"two columns are named {next(name for name in names if names.count(name) > 1)!r}"
        if problem is not None:
            raise ValidationFailed(f"The header of the file can't be used: {problem}.", code="bad_header")
        return names

    def batches(self, wanted: list[int], width: int) -> Iterator[Batch]:
        number = 0
        more = True
        while more:
            rows: list[list[str]] = []
            broken: str | None = None
            try:
                rows.extend(islice(self._reader, BATCH_ROWS))
                more = len(rows) == BATCH_ROWS
            except csv.Error as error:
                broken = str(error)
                if "field limit" in broken:
                    raise ValidationFailed(
                        f"Row {number + len(rows) + 1} has a value of more than {MAX_ROW_BYTES} bytes. "
                        "Is a quotation mark missing?",
                        code="value_too_long",
                    ) from None
            batch = self._batch(rows, number, wanted, width)
            number += len(rows)
            if broken is not None:
                number += 1
                batch.bad.append((number, "", "broken_row", f"quotation marks don't fit together ({broken})"))
            yield batch

    def _batch(self, rows: list[list[str]], before: int, wanted: list[int], width: int) -> Batch:
        numbers: Sequence[int] = range(before + 1, before + len(rows) + 1)
        bad: list[Bad] = []
        if set(map(len, rows)) - {width}:
            if width == 1:
                rows = [row or [""] for row in rows]
            good = [(number, row) for number, row in zip(numbers, rows, strict=True) if len(row) == width]
            bad = [
                (number, "", "wrong_columns", f"{width} values are wanted, these are {len(row)}")
                for number, row in zip(numbers, rows, strict=True)
                if row and len(row) != width
            ]
            numbers, rows = [number for number, _ in good], [row for _, row in good]
        every = list(zip(*rows, strict=True))
        columns = [self._values(every[index]) for index in wanted] if rows else [[] for _ in wanted]
        return Batch(numbers, columns, bad)

    def _values(self, column: tuple[str, ...]) -> list[str | None]:
        if not self._marked:
            return [value or None for value in column] if "" in column else list(column)
        return [
            None if not value else "" if value == _EMPTY_TEXT else value.replace(_EMPTY_TEXT, '"') for value in column
        ]
