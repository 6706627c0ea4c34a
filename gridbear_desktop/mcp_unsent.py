"""Requests of the bridge's client that wait to be sent: until then they can be taken back."""

from __future__ import annotations


class TakenBack(Exception):
    """Its client has cancelled a request before it was sent."""


class Unsent:
    """The server may be starting: who cancels a request meanwhile does not want it done then.

    Used by the thread that reads the client's lines, and by one for each request. An empty key is no request.
    """

    def __init__(self) -> None:
        self._keys: set[str] = set()

    def wait(self, key: str) -> None:
        """It is to be sent, or sent again."""
        if key:
            self._keys.add(key)

    def take_back(self, key: str) -> bool:
        """It shall not be sent any more; False when it is not known, or is sent already."""
        try:
            self._keys.remove(key)
        except KeyError:
            return False
        return True

    def send(self, key: str) -> None:
        """It is sent now. Raises TakenBack."""
        # Whoever takes it out first decides.
        if key and not self.take_back(key):
            raise TakenBack

    def forget(self, key: str) -> None:
        """It has come to its end."""
        self._keys.discard(key)
