"""`${secret:NAME}` in what an MCP server is started with: replaced at its start, in memory alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from server.errors import Conflict

SecretValue = Callable[[str], str | None]
"""The value of a secret by name, None when there is none."""
_REFERENCE = re.compile(r"\$\{secret:([^}]*)\}")


def refers_to_secrets(values: Mapping[str, str]) -> bool:
    """Whether any of the values names a secret."""
    return any(_REFERENCE.search(value) for value in values.values())


def resolved(values: Mapping[str, str], secret: SecretValue, where: str = "under Secrets") -> dict[str, str]:
    """The values with their references replaced. Raises Conflict naming a secret that is not there or empty.

    `where` it is set, in words.
    """

    def replaced(found: re.Match[str]) -> str:
        value = secret(found[1])
        if value is None:
            raise Conflict(
                f"The secret {found[1]!r} is not there or has no value. Set it {where}.", code="no_such_secret"
            )
        return value

    return {name: _REFERENCE.sub(replaced, value) for name, value in values.items()}
