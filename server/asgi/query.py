"""Query strings as pairs."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from urllib.parse import parse_qsl

from starlette.types import Scope

from server.errors import ValidationFailed


def query_pairs(scope: Scope) -> list[tuple[str, str]]:
    """The query string's pairs. Raises ValidationFailed when it is no UTF-8 or too long."""
    raw = scope["query_string"]
    if not raw:
        return []
    try:
        return parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=200)
    except ValueError:
        raise ValidationFailed("The query string is no valid UTF-8 or has more than 200 parameters.") from None


def refuse_other_than(known: Collection[str], pairs: Iterable[tuple[str, str]]) -> None:
    """Raises ValidationFailed for the first parameter that is none of `known`, and says which there are."""
    for name, _ in pairs:
        if name not in known:
            names = sorted(known)
            told = f"only {', '.join(names)} {'is' if len(names) == 1 else 'are'} known here"
            raise ValidationFailed.of(name, "unknown_parameter", told if names else "no parameter is known here")
