"""Blacks out what nobody is to read in a log: known secrets, what looks like one, and what is named like one."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

import orjson

from server.mcp_gateway.activity.excerpt import CUT
from server.mcp_gateway.activity.named_values import named_values

BLACKED = "•••"
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET_WORDS = frozenset(
    ("password", "passwords", "passwd", "pwd", "passphrase", "passphrases", "passcode", "passcodes", "secret",
     "secrets", "token", "apikey", "apikeys", "authorization", "cookie", "cookies", "credential", "credentials",
     "otp", "pin", "bearer", "jwt")
)  # fmt: skip
_SECRET_PAIRS = frozenset(
    (first, last)
    for last, firsts in (
        ("key", ("api", "access", "private", "secret", "auth", "encryption", "signing", "session", "master", "account",
                 "service", "shared", "webhook", "deploy")),
        ("keys", ("api", "access", "private", "secret", "auth")),
        ("tokens", ("api", "access", "refresh", "auth", "bearer", "session")),
        ("pass", ("db", "user", "smtp", "mail", "admin", "root", "basic")),
    )
    for first in firsts
)  # fmt: skip
_TEXT_NAMES = frozenset(("pass", "auth", "tokens"))
"""So a secret is named, and a number or a choice as well: only text is one."""
_CHOICES = frozenset(
    ("none", "null", "true", "false", "yes", "no", "on", "off", "ok", "basic", "bearer", "digest", "oauth", "oauth2",
     "required", "optional")
)  # fmt: skip
_LOOKS_SECRET = re.compile(
    r"(?P<kept>\b(?:Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]{8,}"
    r"|(?P<before>://[^\s/:@\"'\\]{0,200}:)[^\s/@\"'\\]+(?=@)"
    r"|\bgb_[A-Za-z0-9_-]{16,}"
    r"|\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}"
    r"|\b(?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}|\bglpat-[A-Za-z0-9_-]{16,}"
    r"|\bxox[a-z]-[A-Za-z0-9-]{10,}|\bA(?:KI|SI)A[A-Z0-9]{16}\b|\bAIza[A-Za-z0-9_-]{30,}|\bya29\.[A-Za-z0-9_-]{20,}"
    r"|\b(?:npm|hf|ntn|lin_api|shpat|shpss|sbp|whsec|dop_v1|glsa)_[A-Za-z0-9_+/=-]{24,}|\bpypi-[A-Za-z0-9_-]{50,}"
    r"|\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|\b\d{6,12}:AA[A-Za-z0-9_-]{30,}"
    r"|(?P<hook>hooks\.slack\.com/services/)[A-Za-z0-9/]{20,}"
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*){0,3}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|\Z)"
)
_USER_FLAGS = ("-u", "--user")
_LOGIN = re.compile(
    r"(?<![\w-])(?P<before>(?:-u|--user)(?:[ \t]+|=)(?P<quote>\\*[\"']?)(?P<user>[A-Za-z0-9_][^\s:/\"'\\]{0,200}):)"
    r"(?P<password>(?![\s/])(?:(?!(?P=quote))[^\r\n\"'\\])+(?=(?P=quote))|[^\s/\"'\\][^\s\"'\\]*)"
)
"""A name and a password as programs take them; ids of a user and a group look alike."""
_LOGIN_ALONE = re.compile(r"(?P<before>(?P<user>[A-Za-z0-9_][^\s:/]{0,200}):)(?P<password>(?![\s/]).+)", re.DOTALL)
_LOGIN_FLAG = re.compile(r'-u(?:ser)?(?:[ \t=]|", *")')
_SHORTEST_LOOK = len("://:x@")
"""No shorter text has anything in it that is found without knowing it."""
_BEGINNINGS = (
    "Bearer", "Basic", "gb_", "sk-", "sk_", "pk-", "pk_", "rk-", "rk_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_",
    "github_pat_", "glpat-", "xox", "AKIA", "ASIA", "AIza", "ya29.", "npm_", "hf_", "ntn_", "lin_api_", "shpat_",
    "shpss_", "sbp_", "whsec_", "dop_v1_", "glsa_", "pypi-", "SG.", ":AA", "hooks.slack.com", "eyJ", "PRIVATE KEY",
)  # fmt: skip
"""All that `_LOOKS_SECRET` finds has one of these in it, or is the password of an address."""
_IN_NAMES = ("pass", "pwd", "secret", "token", "key", "authorization", "cookie", "credential", "otp", "pin", "bearer",
             "jwt", '"auth"', "'auth'", "auth=")  # fmt: skip
"""All names of secrets have one of these in them, in small letters."""
_NAMES_OF_NAMES = ("name", "key", "header", "variable")
"""What holds the name where name and value are members of one object."""
_POWER_OF_TEN = re.compile(r"[-+.\d]+e[-+]?\d+", re.IGNORECASE)
"""A number that JSON may write in another way."""
_MOST_NAMES, _LONGEST_NAME = 2048, 64
_LONG = 8
"""A shorter secret is not looked for in base64: what it becomes stands in other texts as well."""
_SHORTEST_START = 4
"""Of a secret that was cut off, so many characters at the end of a text are taken for its beginning."""


class Redactor:
    """Knows the secrets of one moment. May be used in any thread."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = set(secrets)
        # Inside a text that is itself JSON, a part of an address or encoded, a secret may stand in other letters.
        forms = known | {form for secret in known for form in _other_forms(secret)}
        self._secrets = sorted(forms, key=len, reverse=True)
        self._shortest = min((len(self._secrets[-1]) if forms else _SHORTEST_LOOK), _SHORTEST_LOOK)

        self._readable = not any(_POWER_OF_TEN.fullmatch(secret) for secret in self._secrets)

    def finds_nothing(self, text: str) -> bool:
        """Whether it is sure, at one quick glance at its JSON, that a value has no secret in it.

        False says nothing: `value` has to look.
        """
        if not self._readable or "\\" in text or CUT in text or any(secret in text for secret in self._secrets):
            return False
        if any(beginning in text for beginning in _BEGINNINGS) or ("://" in text and "@" in text):
            return False
        if "-u" in text and _LOGIN_FLAG.search(text) is not None:
            return False
        lowered = text.lower()
        return not any(part in lowered for part in _IN_NAMES)

    def text(self, text: str) -> str:
        """`text` without secrets."""
        if len(text) < self._shortest:
            return text
        head, cut, end = text.rpartition(CUT) if CUT in text else (text, "", "")
        for secret in self._secrets:
            if secret in head:
                head = head.replace(secret, BLACKED)
        head = _LOOKS_SECRET.sub(_blacked, head)
        if "-u" in head:
            head = _LOGIN.sub(_without_password, head)
        lowered = head.lower()
        if any(part in lowered for part in _IN_NAMES):
            head = _without_named(head)
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
            told = {self.text(key): self.value(item, key) for key, item in value.items()}
            if "value" in value and any(_names_secret(value.get(name)) for name in _NAMES_OF_NAMES):
                told["value"] = self.value(value["value"], "secret")
            return told
        if isinstance(value, list):
            if len(value) == 2 and isinstance(value[1], str) and _names_secret(value[0]):
                return [self.text(value[0]), self.value(value[1], "secret")]
            return [self._item(item, before) for item, before in zip(value, (None, *value), strict=False)]
        if isinstance(value, str):
            if _is_text_secret(name, value):
                return BLACKED
            return self.text(value)
        # A pin or a number of an account may be a secret too.
        return BLACKED if str(value) in self._secrets else value

    def _item(self, item: Any, before: Any) -> Any:
        """A member of a list, which may be the words of a command: one that follows a flag is what it says."""
        if not isinstance(item, str) or not isinstance(before, str) or not before.startswith("-"):
            return self.value(item)
        if before in _USER_FLAGS and (found := _LOGIN_ALONE.fullmatch(item)) is not None:
            return _without_password(found)
        return BLACKED if before.startswith("--") and item and named_secret(before) else self.text(item)

    def _without_start(self, text: str) -> str:
        for secret in self._secrets:
            for length in range(min(len(secret) - 1, len(text)), _SHORTEST_START - 1, -1):
                if text.endswith(secret[:length]):
                    return text[:-length] + BLACKED
        return text


def _other_forms(secret: str) -> Iterator[str]:
    try:
        data = secret.encode()
        yield orjson.dumps(secret).decode()[1:-1]
    except (UnicodeEncodeError, orjson.JSONEncodeError):
        return
    yield json.dumps(secret)[1:-1]
    yield from (quote(secret, safe=""), quote(secret), quote_plus(secret))
    if len(data) >= _LONG:
        yield from (base64.b64encode(data).decode().rstrip("="), base64.urlsafe_b64encode(data).decode().rstrip("="))


def _blacked(found: re.Match[str]) -> str:
    return f"{found['kept'] or found['before'] or found['hook'] or ''}{BLACKED}"


def _without_password(found: re.Match[str]) -> str:
    if found["user"].isdigit() and found["password"].isdigit():
        return found[0]
    return f"{found['before']}{BLACKED}"


def _is_harmless(name: str, text: str) -> bool:
    return text.lower() in _CHOICES or (name.lower() == "tokens" and text.replace(".", "", 1).isdigit())


def _is_text_secret(name: str, text: str) -> bool:
    return name.lower() in _TEXT_NAMES and not _is_harmless(name, text)


def _without_named(text: str) -> str:
    told, end = [], 0
    for start, stop in named_values(text, named_secret, _is_text_secret):
        told += [text[end:start], BLACKED]
        end = stop
    return "".join([*told, text[end:]])


def _names_secret(name: Any) -> bool:
    return isinstance(name, str) and named_secret(name)


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
