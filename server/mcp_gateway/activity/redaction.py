"""Blacks out what nobody is to read in a log: known secrets, what looks like one, and what is named like one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import orjson

from server.mcp_gateway.activity.excerpt import CUT

BLACKED = "•••"
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET_WORDS = frozenset(
    ("password", "passwd", "pwd", "passphrase", "passcode", "secret", "token", "apikey", "authorization", "cookie",
     "credential", "credentials", "otp", "pin", "bearer")
)  # fmt: skip
_SECRET_PAIRS = frozenset((("api", "key"), ("access", "key"), ("private", "key"), ("secret", "key"), ("auth", "key")))
_LOOKS_SECRET = re.compile(
    r"(?P<kept>\b(?:Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]{8,}"
    r"|\bgb_[A-Za-z0-9_-]{16,}"
    r"|\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}"
    r"|\b(?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}|\bglpat-[A-Za-z0-9_-]{16,}"
    r"|\bxox[a-z]-[A-Za-z0-9-]{10,}|\bAKIA[A-Z0-9]{16}\b|\bAIza[A-Za-z0-9_-]{30,}"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]+)?"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
)
_SHORTEST_LOOK = len("Basic ") + 8
"""No shorter text has anything in it that `_LOOKS_SECRET` finds."""
_BEGINNINGS = (
    "Bearer", "Basic", "gb_", "sk-", "sk_", "pk-", "pk_", "rk-", "rk_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_",
    "github_pat_", "glpat-", "xox", "AKIA", "AIza", "eyJ", "PRIVATE KEY",
)  # fmt: skip
"""All that `_LOOKS_SECRET` finds has one of these in it."""
_IN_NAMES = ("passw", "pwd", "passphrase", "passcode", "secret", "token", "key", "authorization", "cookie",
             "credential", "otp", "pin", "bearer")  # fmt: skip
"""All names of secrets have one of these in them, in small letters."""
_POWER_OF_TEN = re.compile(r"[-+.\d]+e[-+]?\d+", re.IGNORECASE)
"""A number that JSON may write in another way."""
_MOST_NAMES, _LONGEST_NAME = 2048, 64
_SHORTEST_START = 4
"""Of a secret that was cut off, so many characters at the end of a text are taken for its beginning."""


class Redactor:
    """Knows the secrets of one moment. May be used in any thread."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = set(secrets)
        # Inside a text that is itself JSON, a secret may stand escaped.
        forms |= {orjson.dumps(secret).decode()[1:-1] for secret in forms}
        self._secrets = sorted(forms, key=len, reverse=True)
        self._shortest = min((len(self._secrets[-1]) if forms else _SHORTEST_LOOK), _SHORTEST_LOOK)

        self._readable = not any(_POWER_OF_TEN.fullmatch(secret) for secret in self._secrets)

    def finds_nothing(self, json: str) -> bool:
        """Whether it is sure, at one quick glance at its JSON, that a value has no secret in it.

        False says nothing: `value` has to look.
        """
        if not self._readable or "\\" in json or CUT in json or any(secret in json for secret in self._secrets):
            return False
        if any(beginning in json for beginning in _BEGINNINGS):
            return False
        lowered = json.lower()
        return not any(part in lowered for part in _IN_NAMES)

    def text(self, text: str) -> str:
        """`text` without secrets."""
        if len(text) < self._shortest:
            return text
        head, cut, end = text.rpartition(CUT) if CUT in text else (text, "", "")
        for secret in self._secrets:
            if secret in head:
                head = head.replace(secret, BLACKED)
        head = _LOOKS_SECRET.sub(lambda found: f"{found['kept'] or ''}{BLACKED}", head)
        if cut:
            head = self._without_start(head)
        return head + cut + end

    def value(self, value: Any, name: str = "") -> Any:
        """A JSON value without secrets; `name` is what it is called."""
        if value in (None, "") or isinstance(value, bool):
            return value
        if named_secret(name):
            return BLACKED
        if isinstance(value, dict):
            return {self.text(key): self.value(item, key) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, str):
            return self.text(value)
        # A pin or a number of an account may be a secret too.
        return BLACKED if str(value) in self._secrets else value

    def _without_start(self, text: str) -> str:
        for secret in self._secrets:
            for length in range(min(len(secret) - 1, len(text)), _SHORTEST_START - 1, -1):
                if text.endswith(secret[:length]):
                    return text[:-length] + BLACKED
        return text


def looks_secret(text: str) -> bool:
    """Whether something in `text` has the form of a known kind of secret."""
    return _LOOKS_SECRET.search(text) is not None


def named_secret(name: str) -> bool:
    """Whether something of this name is a secret: `apiKey`, `user_password`, but not `max_tokens`."""
    return _known_name(name) if len(name) <= _LONGEST_NAME else _named_secret(name)


def _named_secret(name: str) -> bool:
    words = [word.lower() for word in _WORDS.findall(name)]
    return bool(words) and (words[-1] in _SECRET_WORDS or tuple(words[-2:]) in _SECRET_PAIRS)


_known_name = lru_cache(_MOST_NAMES)(_named_secret)
"""The same few names come with every call."""
