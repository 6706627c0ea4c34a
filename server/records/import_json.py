"""JSON files: one array of objects, or one object per line."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from typing import IO, Any

import orjson

from server.errors import ValidationFailed
from server.records.import_files import (
    BATCH_ROWS,
    BLOCK_BYTES,
    MAX_ROW_BYTES,
    Bad,
    Batch,
    Blocks,
    RowFile,
    refuse_other_encodings,
)
from server.records.import_values import MISSING
from server.records.literals import json_value
from server.records.values import BadValue


def open_jsonl(file: IO[bytes]) -> RowFile:
    """One object per line. Raises ValidationFailed for an encoding that is no UTF-8."""
    refuse_other_encodings(file.read(64))
    file.seek(0)
    blocks = Blocks(file)
    return RowFile("jsonl", True, None, lambda names: _object_batches(_jsonl(blocks), names), lambda: blocks.read)


def open_json(file: IO[bytes]) -> RowFile:
    """An array of objects. Raises ValidationFailed for an encoding that is no UTF-8; reading, for what is no array."""
    refuse_other_encodings(file.read(64))
    file.seek(0)
    return RowFile("json", True, None, lambda names: _object_batches(_elements(file), names), file.tell)


_Objects = Iterator[tuple[list[int], list[dict[str, Any]], list[Bad]]]
_LONG_NUMBER = re.compile(rb"\d{19}")


def _jsonl(blocks: Blocks) -> _Objects:
    number = 0
    for block in blocks:
        lines = [line for line in block.removeprefix(codecs.BOM_UTF8).split(b"\n") if line.strip()]
        for start in range(0, len(lines), BATCH_ROWS):
            part = lines[start : start + BATCH_ROWS]
            numbers = list(range(number + 1, number + len(part) + 1))
            number += len(part)
            values: list[Any]
            bad: list[Bad] = []
            try:
                if _LONG_NUMBER.search(block):
                    raise ValueError
                values = list(map(orjson.loads, part))
            except ValueError:
                values, numbers, bad = _one_by_one(part, numbers)
            yield _objects_only(numbers, values, bad)


def _one_by_one(lines: list[bytes], numbers: list[int]) -> tuple[list[Any], list[int], list[Bad]]:
    values: list[Any] = []
    good: list[int] = []
    bad: list[Bad] = []
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
    text.at += ended
    while not ended:
        try:
            value, end = text.element(decode, number + len(values) + 1)
        except ValidationFailed:
            # What stands before the fault is worth reading: it may be a sample that was cut off.
            yield _objects_only(list(range(number + 1, number + len(values) + 1)), values, [])
            raise
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
    if text.next_sign():
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


def _objects_only(numbers: list[int], values: list[Any], bad: list[Bad]) -> Any:
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
