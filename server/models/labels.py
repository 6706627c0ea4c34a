"""The labels of models in the middle of a sentence; the pages do the same in `assets/ui/widgets/words.js`."""

from __future__ import annotations

_SPOKEN_WITH_A_VOWEL = tuple("AEFHILMNORSX")
"""Letters that an abbreviation is read by, and whose names begin with a vowel: an MCP server."""
_SPOKEN_AS_YOU = ("eu", "uni", "usa", "use", "usu", "uti")


def in_sentence(label: str) -> str:
    """`Access rule` as `access rule`; an abbreviation in front stays: `MCP server`."""
    return label if _is_abbreviation(label) else label[:1].lower() + label[1:]


def with_article(label: str) -> str:
    """`an access rule`, `a user`, `an MCP server`: as most such words are spoken."""
    told = in_sentence(label)
    vowel = _SPOKEN_WITH_A_VOWEL if _is_abbreviation(label) else tuple("aeiou")
    return f"{'an' if told.startswith(vowel) and not told.startswith(_SPOKEN_AS_YOU) else 'a'} {told}"


def _is_abbreviation(label: str) -> bool:
    return label[1:2].isupper()
