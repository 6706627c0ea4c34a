"""The keychain of the operating system, if there is one that answers without asking anybody."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

SERVICE = "GridBear Desktop"
CHOOSING_SECONDS = 5.0
OPENING_SECONDS = 20.0
"""A keychain that is locked asks its owner first; a server at start waits so long for them."""
# Others keep secrets in a file of their own, which is no better than ours and one more thing to lose.
_TRUSTED = (
    "keyring.backends.macOS",
    "keyring.backends.Windows",
    "keyring.backends.SecretService",
    "keyring.backends.libsecret",
    "keyring.backends.kwallet",
)


class KeychainFailed(Exception):
    """There is no keychain, or it does not answer."""


class Keychain(Protocol):
    """One secret text per entry."""

    def get(self, entry: str) -> str | None: ...

    def put(self, entry: str, value: str) -> None: ...

    def remove(self, entry: str) -> None: ...


class SystemKeychain:
    """The keychain by way of `keyring`. Every call ends in time; all raise KeychainFailed."""

    def __init__(self, seconds: float = OPENING_SECONDS, find: Callable[[], Any] | None = None) -> None:
        self._seconds = seconds
        self._find = find or _best_backend
        self._backend: Any = None

    def get(self, entry: str) -> str | None:
        found: str | None = self._in_time(lambda: self._opened().get_password(SERVICE, entry))
        return found

    def put(self, entry: str, value: str) -> None:
        self._in_time(lambda: self._opened().set_password(SERVICE, entry, value))

    def remove(self, entry: str) -> None:
        """Take an entry away; one that is not there is as good."""
        if self.get(entry) is not None:
            self._in_time(lambda: self._opened().delete_password(SERVICE, entry))

    def _opened(self) -> Any:
        if self._backend is None:
            self._backend = self._find()
        return self._backend

    def _in_time(self, act: Callable[[], T]) -> T:
        results: list[T] = []
        errors: list[BaseException] = []

        def run() -> None:
            try:
                results.append(act())
            except BaseException as error:
                errors.append(error)

        # Not to be stopped while it waits for somebody at a dialogue, so it must not keep the process from ending.
        thread = threading.Thread(target=run, name="gridbear-keychain", daemon=True)
        thread.start()
        thread.join(self._seconds)
        if errors:
            known = isinstance(errors[0], KeychainFailed)
            raise KeychainFailed(str(errors[0]) if known else f"{type(errors[0]).__name__}: {errors[0]}") from errors[0]
        if not results:
            raise KeychainFailed(f"no answer within {self._seconds:g} seconds")
        return results[0]


def has_somebody_to_ask() -> bool:
    """Whether a locked keychain could show its dialogue: a server without a display starts again by itself."""
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _best_backend() -> Any:
    # 70 ms, and needed only where the key lies in a keychain.
    from keyring.backend import get_all_keyring

    found = [backend for backend in get_all_keyring() if type(backend).__module__ in _TRUSTED]
    if not found:
        raise KeychainFailed("this computer has no keychain that GridBear knows")
    return max(found, key=lambda backend: float(backend.priority))
