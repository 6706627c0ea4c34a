"""What has been declared on a base, told apart from what was left behind by a file that failed half-way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from sqlalchemy import inspect
from sqlalchemy.orm import DeclarativeBase

PLUGIN_PACKAGE = "_gridbear_plugin_"
"""Modules of plugins begin with this; their models come and go while the server runs."""
Declared = TypeVar("Declared", bound=DeclarativeBase)


def declared_classes(base: type[Declared]) -> Iterator[type[Declared]]:
    """Every class below `base`, also one whose mapping failed: the base knows it for as long as it lives."""
    for child in base.__subclasses__():
        yield child
        yield from declared_classes(child)


def declared_models(base: type[Declared]) -> list[type[Declared]]:
    """The classes that are mapped and whose table is in the metadata."""
    return [model for model in declared_classes(base) if _in_force(model, base)]


def _in_force(model: type[Declared], base: type[Declared]) -> bool:
    mapper = inspect(model, raiseerr=False)
    return mapper is not None and mapper.local_table in base.metadata.tables.values()
