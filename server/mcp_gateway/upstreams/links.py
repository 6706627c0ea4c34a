"""Resources that a server speaks of in its results and that are perhaps in no list of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_MOST = 1000


class Links:
    """The newest of them, so that they lead back to their server."""

    def __init__(self) -> None:
        self._uris: dict[str, None] = {}

    def __contains__(self, uri: str) -> bool:
        return uri in self._uris

    def learn(self, result: Mapping[str, Any]) -> None:
        """Remember what a result of a tool or a prompt speaks of."""
        for uri in _uris(result):
            self._uris.pop(uri, None)
            self._uris[uri] = None
            if len(self._uris) > _MOST:
                del self._uris[next(iter(self._uris))]


def _uris(result: Mapping[str, Any]) -> Iterator[str]:
    blocks, messages = result.get("content"), result.get("messages")
    if isinstance(messages, list):
        blocks = [message.get("content") for message in messages if isinstance(message, dict)]
    for block in blocks if isinstance(blocks, list) else ():
        if not isinstance(block, dict):
            continue
        named = block.get("resource") if block.get("type") == "resource" else block
        if block.get("type") in ("resource", "resource_link") and isinstance(named, dict):
            uri = named.get("uri")
            if isinstance(uri, str):
                yield uri
