"""What a move file has besides: the records of each model as JSON lines, and what their fields are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import orjson

from server.backup.archive_format import LINES_ENDING, RECORDS, Missing
from server.backup.archive_writer import Source
from server.db.portable import portable_lines
from server.db.types import type_name
from server.models.registry import ModelSpec

MODELS = f"{RECORDS}models.json"


def portable_sources(database: Path, specs: Iterable[ModelSpec], tables: Iterable[str]) -> Iterator[Source]:
    """One member for each model of the database, and one that describes them."""
    present = set(tables)
    known = [spec for spec in specs if spec.name in present]
    yield Source(MODELS, orjson.dumps([_described(spec) for spec in known], option=orjson.OPT_INDENT_2))
    for spec in known:
        yield Source(f"{RECORDS}{spec.name}{LINES_ENDING}", partial(portable_lines, database, spec.table))


def not_portable(specs: Iterable[ModelSpec], tables: Iterable[str]) -> list[Missing]:
    """Tables that are in the database alone, because no model or loaded plugin says what they hold."""
    unknown = sorted(set(tables) - {spec.name for spec in specs})
    return [
        Missing(what=f"{name} as JSON lines", why="its plugin is not loaded; the database has it") for name in unknown
    ]


def _described(spec: ModelSpec) -> dict[str, object]:
    fields = [
        {
            "name": str(column.name),
            "type": type_name(column.type),
            "nullable": bool(column.nullable),
            "references": next((str(key.column.table.name) for key in column.foreign_keys), None),
        }
        for column in spec.table.columns
    ]
    return {"name": spec.name, "made_here": spec.options.made_here, "fields": fields}
