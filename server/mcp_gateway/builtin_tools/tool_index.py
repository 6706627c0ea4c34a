"""An index of tools for search by words: BM25 over name, title, description and the names of arguments."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from server.mcp_gateway.catalogue.tool import Tool

_NAME_WEIGHT, _TITLE_WEIGHT = 3, 2
"""A word of the name counts as much as three of the description."""
_SATURATION, _LENGTH_SHARE = 1.2, 0.75
_PREFIX_SHARE, _PREFIX_LENGTH, _MOST_ENDINGS = 0.5, 3, 20
_MOST_WORDS = 32
_WORD = re.compile(r"[^\W_]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def words(text: str) -> list[str]:
    """The words of a text as they are indexed: small letters, parts of snake_case and camelCase, no plural s."""
    return [_stem(word) for word in _WORD.findall(_HUMP.sub(" ", text).casefold())]


def _stem(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


class ToolIndex:
    """The index of one set of tools. Built once, never changed; the order of the tools makes no difference."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools = sorted(tools, key=lambda tool: tool.public_name)
        counts = [_terms(tool) for tool in self._tools]
        lengths = [sum(count.values()) for count in counts]
        mean = sum(lengths) / len(lengths) if lengths else 1.0
        postings: dict[str, list[tuple[int, float]]] = {}
        for number, (count, length) in enumerate(zip(counts, lengths, strict=True)):
            damping = _SATURATION * (1 - _LENGTH_SHARE + _LENGTH_SHARE * length / mean)
            for word, often in count.items():
                part = often * (_SATURATION + 1) / (often + damping)
                postings.setdefault(word, []).append((number, part))
        total = len(self._tools)
        self._postings = {
            word: (math.log(1 + (total - len(found) + 0.5) / (len(found) + 0.5)), found)
            for word, found in postings.items()
        }
        self._vocabulary = sorted(postings)

    def search(self, query: str, limit: int, server: str | None = None) -> list[Tool]:
        """The best tools for the words of `query`; of equally good ones by name."""
        scores: dict[int, float] = {}
        for word in dict.fromkeys(words(query)[:_MOST_WORDS]):
            for known, share in self._meant(word):
                weight, found = self._postings[known]
                for number, part in found:
                    scores[number] = scores.get(number, 0.0) + share * weight * part
        ranked = sorted(scores, key=lambda number: (-scores[number], number))
        hits = (self._tools[number] for number in ranked)
        return [tool for tool in hits if server is None or tool.server == server][:limit]

    def _meant(self, word: str) -> list[tuple[str, float]]:
        """Words of the index that a word of the query stands for: itself, and those that begin with it."""
        found = [(word, 1.0)] if word in self._postings else []
        if len(word) >= _PREFIX_LENGTH:
            start = bisect_left(self._vocabulary, word)
            near = self._vocabulary[start : start + _MOST_ENDINGS]
            found += [(known, _PREFIX_SHARE) for known in near if known != word and known.startswith(word)]
        return found


def _terms(tool: Tool) -> Counter[str]:
    """How often each word stands in a tool's description, weighed by where."""
    raw = tool.raw
    counts: Counter[str] = Counter()
    for text, weight in (
        (f"{tool.server} {tool.name}", _NAME_WEIGHT),
        (tool.summary()["title"], _TITLE_WEIGHT),
        (raw.get("description"), 1),
        (" ".join(_argument_names(tool.input_schema)), 1),
    ):
        if isinstance(text, str):
            for word in words(text):
                counts[word] += weight
    return counts


def _argument_names(schema: Mapping[str, Any] | None) -> list[str]:
    properties = (schema or {}).get("properties")
    return [str(name) for name in properties] if isinstance(properties, dict) else []
