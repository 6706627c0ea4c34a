"""Sealed values in rows: their stored form, which keys they need, and sealing all of them anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.db.cells import Execute, cell_starts, columns_beside, finish_erasing, rewrite_cells, rewrite_offline
from server.models.registry import ModelRegistry
from server.secrets.key_ring import SEALED_START, Place, key_id_in, sealed_under
from server.secrets.vault import Vault

_OLDER_COPIES = (
    "{count} secrets that lay in clear in the database are sealed now and erased from it. Backups and copies that were "
    "made before still have them in clear: delete those that you don't need."
)


@dataclass(frozen=True, slots=True)
class ValuesAtRest:
    """What the write-only fields of a file are sealed under."""

    keys: frozenset[str]
    in_clear: bool
    """Whether some are not sealed."""


def stored_form(sealed: str, *, is_json: bool) -> str:
    """How a sealed text lies in its column: where JSON is wanted, as JSON."""
    return f'"{sealed}"' if is_json else sealed


def sealed_text(stored: str, *, is_json: bool) -> str | None:
    """The sealed text in a column's value, or None when it is in clear."""
    text = stored.removeprefix('"').removesuffix('"') if is_json else stored
    return text if sealed_under(text) is not None else None


def look_at_values(database: Path, registry: ModelRegistry) -> ValuesAtRest:
    """What is sealed in a database file, and under which keys. Reads every sealed column."""
    if not database.exists():
        return ValuesAtRest(frozenset(), False)
    columns = [(model, name) for model, name, _ in _sealed_columns(registry)]
    starts = [start for found in cell_starts(database, columns, SEALED_START + 1).values() for start in found]
    keys = [key_id_in(start.removeprefix('"')) for start in starts]
    return ValuesAtRest(frozenset(key for key in keys if key is not None), None in keys)


def seal_all(execute: Execute, registry: ModelRegistry, vault: Vault) -> int:
    """Seal every value that is in clear or under an older key. Returns how many. Raises Unreadable."""
    count = 0
    for model, name, is_json in _sealed_columns(registry):

        def anew(row_id: int, stored: str, model: str = model, name: str = name, is_json: bool = is_json) -> str | None:
            place, sealed = Place(model, name, row_id), sealed_text(stored, is_json=is_json)
            if sealed is not None and sealed_under(sealed) == vault.current:
                return None
            text = stored if sealed is None else vault.open(sealed, place)
            return stored_form(vault.seal(text, place), is_json=is_json)

        count += rewrite_cells(execute, model, name, anew)
    return count


def seal_at_start(database: Path, registry: ModelRegistry, vault: Vault, found: ValuesAtRest) -> list[str]:
    """Seal what an older program left in clear, and what a change of the key that did not end left.

    The file must be nobody else's. Returns warnings. Raises StartupError.
    """
    warnings = []
    if found.in_clear or found.keys - {vault.current}:
        counts: list[Any] = []
        rewrite_offline(
            database, lambda execute: counts.append(seal_all(execute, registry, vault)), erase=found.in_clear
        )
        if found.in_clear:
            warnings.append(_OLDER_COPIES.format(count=counts[0]))
    finish_erasing(database)
    return warnings


def unreadable_values(database: Path, registry: ModelRegistry, keys: frozenset[str]) -> dict[str, int]:
    """How many values of each `model.field` are sealed under none of `keys`, those of unknown models included."""
    return _forget(database, registry, keys, None)


def forget_unreadable(database: Path, registry: ModelRegistry, vault: Vault) -> dict[str, int]:
    """Make every value empty that the vault has no key for. Returns what `unreadable_values` gave before.

    The file must be nobody else's. Raises StartupError.
    """
    return _forget(database, registry, vault.key_ids, vault)


def is_emptied(text: str, *, is_json: bool) -> bool:
    """Whether an opened text is what `forget_unreadable` leaves. No other way of writing seals such a text."""
    return text == _emptied(is_json)


def _emptied(is_json: bool) -> str:
    return "null" if is_json else ""


def _forget(database: Path, registry: ModelRegistry, keys: frozenset[str], vault: Vault | None) -> dict[str, int]:
    counts: dict[str, int] = {}
    if not database.exists():
        return counts
    columns = [(model, name) for model, name, _ in _sealed_columns(registry)]
    columns += columns_beside(database, [spec.name for spec in registry])
    starts = cell_starts(database, columns, SEALED_START + 1)
    lost = [
        column
        for column, found in starts.items()
        if {key_id_in(start.removeprefix('"')) for start in found} - keys - {None}
    ]

    def work(execute: Execute) -> None:
        for model, name in lost:

            def empty(row_id: int, stored: Any, model: str = model, name: str = name) -> str | None:
                is_json = str(stored).startswith('"')
                key = sealed_under(sealed_text(str(stored), is_json=is_json) or "")
                if key is None or key in keys:
                    return None
                counts[f"{model}.{name}"] = counts.get(f"{model}.{name}", 0) + 1
                if vault is None:
                    return None
                return stored_form(vault.seal(_emptied(is_json), Place(model, name, row_id)), is_json=is_json)

            rewrite_cells(execute, model, name, empty)

    if lost:
        rewrite_offline(database, work, erase=False)
    return counts


def _sealed_columns(registry: ModelRegistry) -> Iterator[tuple[str, str, bool]]:
    for spec in registry:
        for name in spec.sealed:
            yield spec.name, name, spec.fields[name].type == "json"
