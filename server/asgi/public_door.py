"""What the public port and those behind it agree on."""

from __future__ import annotations

PUBLIC_DOOR = "public_door"
"""Key in a request's state: it came in by the public port, so whatever it carries signs nobody in."""
REACH = "/api/_reach/"
"""Where the self-test looks for itself."""


class Reach:
    """What the self-test of the public address waits for."""

    def __init__(self) -> None:
        self._words: set[str] = set()

    def expect(self, word: str) -> None:
        """From now on `word` is answered."""
        self._words.add(word)

    def forget(self, word: str) -> None:
        """`word` is not answered any more."""
        self._words.discard(word)

    def knows(self, word: str) -> bool:
        """Whether it is to be answered now."""
        return word in self._words
