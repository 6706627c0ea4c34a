"""Files of rows, read in batches of columns with constant memory: CSV, JSON, JSON lines, tables of SQLite files."""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, Literal

import orjson

from server.db.foreign import ForeignDatabase
from server.errors import ValidationFailed
from server.records.import_values import MISSING, json_value
from server.records.values import BadValue

ImportFormat = Literal["csv", "json", "jsonl", "sqlite"]
IMPORT_FORMATS: tuple[ImportFormat, ...] = ("csv", "json", "jsonl", "sqlite")
DELIMITERS = (",", ";", "\t", "|")
BATCH_ROWS = 2000
BLOCK_BYTES = 1 << 20
MAX_ROW_BYTES = 32 << 20
"""The longest line, value or element of a file."""

_SQLITE_START = b"SQLite format 3\x00"
_EMPTY_TEXT = "\ud800"
# `""` alone between two delimiters: an empty text, unlike nothing at all, which is no value. Within a quoted text the
# same characters mean a quotation mark, which is put back afterwards; no text of a file can hold the stand-in.
_WORDS_OF_EMPTY: dict[str, re.Pattern[str]] = {
    delimiter: re.compile(rf'""(?<![^{re.escape(delimiter)}\r\n]"")(?![^{re.escape(delimiter)}\r\n])')
    for delimiter in DELIMITERS
}
# The whole process shares this limit; nobody else here reads CSV.
csv.field_size_limit(MAX_ROW_BYTES)


@dataclass(slots=True)
class Batch:
    """Some rows: their numbers (1 is the first row of data), their columns, and rows that could not be read."""

    numbers: Sequence[int]
    columns: list[list[Any]]
    bad: list[tuple[int, str, str, str]] = field(default_factory=list)
    """Number, field (may be empty), code, message."""


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


class _Blocks:
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


# CSV


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
        self.blocks = _Blocks(file, end)
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
        lines = text.split("\n")
        return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])

    def header(self) -> list[str]:
        try:
            names = next((row for row in self._reader if row), None)
        except csv.Error as error:
            raise ValidationFailed(f"The header of the file is broken ({error}).", code="bad_header") from None
        if names is None:
            raise ValidationFailed("The file is empty: not even a header is there.", code="empty_file")
        names = [name.replace(_EMPTY_TEXT, "").strip() for name in names]
        problem = None
        if any(not name.isprintable() for name in names):
            problem = "it has characters that are no text (Is the file saved as UTF-8?)"
        elif "" in names:
            problem = f"column {names.index('') + 1} has no name"
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
        bad: list[tuple[int, str, str, str]] = []
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
            (value.replace(_EMPTY_TEXT, '"') if _EMPTY_TEXT in value else value)
            if value != _EMPTY_TEXT
            else ""
            if value
            else None
            for value in column
        ]


# JSON


def open_jsonl(file: IO[bytes]) -> RowFile:
    """One object per line. Raises ValidationFailed for an encoding that is no UTF-8."""
    refuse_other_encodings(file.read(64))
    file.seek(0)
    blocks = _Blocks(file)
    return RowFile("jsonl", True, None, lambda names: _object_batches(_jsonl(blocks), names), lambda: blocks.read)


def open_json(file: IO[bytes]) -> RowFile:
    """An array of objects. Raises ValidationFailed for an encoding that is no UTF-8; reading, for what is no array."""
    refuse_other_encodings(file.read(64))
    file.seek(0)
    return RowFile("json", True, None, lambda names: _object_batches(_elements(file), names), file.tell)


_Objects = Iterator[tuple[list[int], list[dict[str, Any]], list[tuple[int, str, str, str]]]]
_LONG_NUMBER = re.compile(rb"\d{19}")


def _jsonl(blocks: _Blocks) -> _Objects:
    number = 0
    for block in blocks:
        lines = [line for line in block.removeprefix(codecs.BOM_UTF8).split(b"\n") if line.strip()]
        for start in range(0, len(lines), BATCH_ROWS):
            part = lines[start : start + BATCH_ROWS]
            numbers = list(range(number + 1, number + len(part) + 1))
            number += len(part)
            values: list[Any]
            bad: list[tuple[int, str, str, str]] = []
            try:
                if _LONG_NUMBER.search(block):
                    raise ValueError
                values = list(map(orjson.loads, part))
            except ValueError:
                values, numbers, bad = _one_by_one(part, numbers)
            yield _objects_only(numbers, values, bad)


def _one_by_one(lines: list[bytes], numbers: list[int]) -> tuple[list[Any], list[int], list[tuple[int, str, str, str]]]:
    values: list[Any] = []
    good: list[int] = []
    bad: list[tuple[int, str, str, str]] = []
    for number, line in zip(numbers, lines, strict=True):
        try:
            line.decode()
            values.append(json_value(line))
            good.append(number)
        except UnicodeDecodeError:
            try:
                # A surrogate spelt out as bytes is refused by the field's name, as it is over REST.
                values.append(json_value(line.decode("utf-8", "surrogatepass")))
                good.append(number)
            except (UnicodeDecodeError, BadValue):
                bad.append((number, "", "invalid_utf8", "no valid UTF-8"))
        except BadValue as error:
            bad.append((number, "", error.code, error.message))
    return values, good, bad


def _elements(file: IO[bytes]) -> _Objects:
    """The elements of a JSON array, as they come."""
    decode = json.JSONDecoder().raw_decode
    text = _Text(file)
    if text.next_sign() != "[":
        raise ValidationFailed("The file is no JSON array of objects: it does not begin with [.", code="invalid_json")
    text.at += 1
    number = 0
    values: list[Any] = []
    ended = text.next_sign() == "]"
    while not ended:
        value, end = text.element(decode, number + len(values) + 1)
        values.append(value)
        text.at = end
        sign = text.next_sign()
        if sign not in (",", "]"):
            raise ValidationFailed(
                f"After row {number + len(values)} the file is no valid JSON: a comma or ] is wanted.",
                code="invalid_json",
            )
        ended = sign == "]"
        text.at += 1
        if len(values) == BATCH_ROWS or ended:
            yield _objects_only(list(range(number + 1, number + len(values) + 1)), values, [])
            number += len(values)
            values = []
    if not ended or text.next_sign() not in ("", "]"):
        raise ValidationFailed("Something follows the end of the JSON array.", code="invalid_json")


class _Text:
    """A window on a text file that moves on."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._text = ""
        self.at = 0
        self._ended = False
        self._more(BLOCK_BYTES)
        if self._text.startswith("\ufeff"):
            self.at = 1

    def _more(self, size: int) -> bool:
        if self._ended:
            return False
        block = self._file.read(size)
        self._ended = not block
        self._text = self._text[self.at :] + self._decoder.decode(block, final=self._ended)
        self.at = 0
        return True

    def next_sign(self) -> str:
        """The next character that is no white space, "" at the end. `at` stands on it then."""
        while True:
            text, at = self._text, self.at
            while at < len(text) and text[at] in " \t\r\n":
                at += 1
            self.at = at
            if at < len(text):
                return text[at]
            if not self._more(BLOCK_BYTES):
                return ""

    def element(self, decode: Callable[[str, int], tuple[Any, int]], number: int) -> tuple[Any, int]:
        """The value that begins at `at` (or after white space), and where it ends. Raises ValidationFailed."""
        self.next_sign()
        while True:
            try:
                value, end = decode(self._text, self.at)
                # A number at the very end may go on in the next block.
                if end < len(self._text) or self._ended:
                    return value, end
                problem = ""
            except RecursionError:
                problem = "too many lists in one another"
            except ValueError as error:
                problem = str(getattr(error, "msg", error))
            waiting = len(self._text) - self.at
            if waiting > MAX_ROW_BYTES or not self._more(max(BLOCK_BYTES, waiting)):
                raise ValidationFailed(f"Row {number} is no valid JSON ({problem}).", code="invalid_json") from None


def _objects_only(numbers: list[int], values: list[Any], bad: list[tuple[int, str, str, str]]) -> Any:
    if set(map(type, values)) - {dict}:
        bad += [
            (number, "", "wrong_type", 'an object such as {"title": "…"} is wanted')
            for number, value in zip(numbers, values, strict=True)
            if not isinstance(value, dict)
        ]
        good = [(number, value) for number, value in zip(numbers, values, strict=True) if isinstance(value, dict)]
        numbers, values = [number for number, _ in good], [value for _, value in good]
    return numbers, values, bad


def _object_batches(objects: _Objects, names: list[str]) -> Iterator[Batch]:
    """Batches of the columns `names`; a last column has the keys that are not among them, as a tuple."""
    known = frozenset(names)
    shapes: dict[tuple[str, ...], tuple[str, ...]] = {}

    def others(row: dict[str, Any]) -> tuple[str, ...]:
        keys = tuple(row)
        found = shapes.get(keys)
        if found is None:
            if len(shapes) > 1000:
                shapes.clear()
            found = shapes[keys] = tuple(key for key in keys if key not in known)
        return found

    for numbers, rows, bad in objects:
        columns: list[list[Any]] = [[row.get(name, MISSING) for row in rows] for name in names]
        columns.append(list(map(others, rows)))
        yield Batch(numbers, columns, bad)


# SQLite


def open_sqlite(path: Path, database: ForeignDatabase, table: str | None) -> RowFile:
    """A table of a SQLite file. Raises ValidationFailed when there is no such table, or it is to be named."""
    tables = database.tables()
    if table is None and len(tables) == 1:
        table = tables[0]
    if table is None or table not in tables:
        known = ", ".join(tables[:50]) or "none"
        raise ValidationFailed.of("table", "unknown_table", f"one of the file's tables is wanted: {known}")
    chosen = table
    read = 0

    def batches(names: list[str]) -> Iterator[Batch]:
        nonlocal read
        rows = database.rows(chosen, names)
        number = 0
        while part := list(islice(rows, BATCH_ROWS)):
            yield Batch(range(number + 1, number + len(part) + 1), [list(c) for c in zip(*part, strict=True)])
            number += len(part)
        read = path.stat().st_size

    return RowFile("sqlite", False, database.columns(chosen), batches, lambda: read, table=chosen, tables=tables)
