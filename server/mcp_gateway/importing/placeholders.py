"""`${…}` in clients' files: what a client would fill in from its inputs, its environment or its folders."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from server.mcp_gateway.importing.reading import Input

_PLACE = re.compile(r"\$\{([^${}]{1,200})\}")
_ENV = re.compile(r"(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)
_HOME = frozenset(("userHome", "HOME", "env:HOME", "USERPROFILE", "env:USERPROFILE"))
OURS = "${secret:"


@dataclass(frozen=True, slots=True)
class Missing:
    """A value that only the person can give, under `key`."""

    key: str
    description: str = ""


@dataclass(slots=True)
class Filler:
    """Fills placeholders from what is known: the person's `values` by key, the file's inputs, defaults, the home.

    The environment of this server is never asked: it is not the client's, and holds what is nobody's business.
    """

    values: Mapping[str, str]
    inputs: Mapping[str, Input]
    home: Path
    missing: list[Missing] = field(default_factory=list)

    def filled(self, text: str) -> str:
        """`text` as the server shall get it. What is not known is noted in `missing` and stays as it is."""
        return self._replaced(text, lambda found, key: found)

    def kept(self, text: str, secret: Callable[[str, str | None], str]) -> str:
        """`text` with what is unknown or secret in it replaced by what `secret(key, value)` gives."""
        return self._replaced(text, lambda _, key: secret(key, None), secret)

    def _replaced(
        self, text: str, unknown: Callable[[str, str], str], secret: Callable[[str, str | None], str] | None = None
    ) -> str:
        def one(found: re.Match[str]) -> str:
            key, value, is_secret = self._known(found[1])
            if key is None:
                return found[0] if value is None else value
            if value is None:
                described = self.inputs.get(key.removeprefix("input:"))
                self.missing.append(Missing(key, described.description if described else ""))
                return unknown(found[0], key)
            return secret(key, value) if is_secret and secret is not None else value

        return _PLACE.sub(one, text)

    def _known(self, inside: str) -> tuple[str | None, str | None, bool]:
        """Key, value and whether it is a secret; without a key what is no business of ours or known anyway."""
        if inside in _HOME:
            return None, str(self.home), False
        if inside == "pathSeparator" or inside == "/":
            return None, "/", False
        if inside.startswith("input:"):
            asked = self.inputs.get(inside.removeprefix("input:"), Input(inside))
            return inside, self.values.get(inside, asked.default), asked.secret
        if inside.startswith("secret:"):
            return None, None, False
        env = _ENV.fullmatch(inside)
        if env is not None and not inside.startswith("workspaceFolder"):
            key = f"env:{env[1]}"
            return key, self.values.get(key, env[2]), False
        return inside, self.values.get(inside), False
