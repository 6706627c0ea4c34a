"""What people type into a search box, as an FTS5 query that can't be malformed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from server.records.values import BadValue, clean_text

MAX_SEARCH = 500
_PIECES = re.compile(r'"([^"]*)"|(\S+)')


def search_query(text: str, columns: Sequence[str], all_columns: Sequence[str]) -> str | None:
    """The FTS5 query: every word must be there, each as the beginning of a word; `"quoted words"` as they stand.

    `columns` are those that the caller may see. None when nothing is asked. Raises BadValue.
    """
    text = clean_text(text).strip()
    if not text:
        return None
    if len(text) > MAX_SEARCH:
        raise BadValue("too_long", f"at most {MAX_SEARCH} characters")
    if not columns:
        raise BadValue("not_searchable", "these records have no searchable fields; filter with field__ilike instead")
    terms = []
    for phrase, word in _PIECES.findall(text):
        term = phrase or word.replace('"', " ")
        if any(letter.isalnum() for letter in term):
            terms.append(f'"{term}"' if phrase else f'"{term}"*')
    if not terms:
        raise BadValue("nothing_to_find", "letters or digits to search for are wanted")
    query = " AND ".join(terms)
    if tuple(columns) == tuple(all_columns):
        return query
    return "{" + " ".join(f'"{name}"' for name in columns) + f"}} : ({query})"
