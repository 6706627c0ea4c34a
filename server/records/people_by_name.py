"""Whom a name that somebody typed means. Names of people differ by more than case."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from server.access.actor import SYSTEM
from server.models.user import ALIKE_SQL

if TYPE_CHECKING:
    from server.records.service import Records

_MODEL = "users"


def plain_name(name: str) -> str:
    """A name without case and without ways to write its letters (`ADA`, wide letters): those alike are one.

    A lone surrogate, which no database takes, becomes a sign that no name has.
    """
    name = name.encode("utf-8", "replace").decode()
    return unicodedata.normalize("NFKC", name).casefold()


def one_meant(name: str, alike: Sequence[str]) -> str | None:
    """Which of the names that are `alike` the name means. None: nobody, or of several nobody alone.

    Databases from before names were compared so may hold two that differ only by case: each goes by its own.
    """
    return name if name in alike else alike[0] if len(alike) == 1 else None


def stored_name(records: Records, name: str) -> str | None:
    """How the person that `name` means is really written, or None; see `one_meant`."""
    found = records.shelf.store.read_now(ALIKE_SQL, {"name": plain_name(name)})
    return one_meant(name, [str(row[1]) for row in found])


def person_named(records: Records, name: str) -> dict[str, Any] | None:
    """The stored row, secrets and all, of the person that `name` means. For the program itself alone."""
    stored = stored_name(records, name)
    return None if stored is None else records.look_up(SYSTEM, _MODEL, "username", stored)


def taken_name(records: Records, name: str) -> str | None:
    """The name of somebody for whom a new person can't be called `name`."""
    found = records.shelf.store.read_now(ALIKE_SQL, {"name": plain_name(name)})
    return str(found[0][1]) if found else None
